// The icons: paths on a field of 24, drawn with the text's colour.
const paths: Record<string, string> = {
	now: "M4 13a8 8 0 1 1 16 0M12 13l4-5M6 18h12",
	map: "M9 5 3 7v13l6-2 6 2 6-2V5l-6 2-6-2zM9 5v13M15 7v13",
	devices: "M5 12a10 10 0 0 1 14 0M8 15.5a5.5 5.5 0 0 1 8 0M2.5 8.5a14 14 0 0 1 19 0M12 19h.01",
	processes: "M5 5h5v5H5zM14 14h5v5h-5zM7.500 10v4.500a2 2 0 0 0 2 2H14",
	interfaces: "M12 3v9M8 6v3a4 4 0 0 0 8 0V6M12 13v4M6 21h12M12 17v4",
	locks: "M6 11h12v9H6zM8.500 11V8a3.500 3.500 0 0 1 7 0v3",
	ports: "M4 7h16v10H4zM8 17v-4M12 17v-4M16 17v-4",
	recovery: "M4 12h4l2-5 4 10 2-5h4",
	plugins: "M9 3v5M15 3v5M6 8h12v4a6 6 0 0 1-12 0zM12 18v3",
	log: "M5 5h14M5 10h14M5 15h9M5 20h6",
	plots: "M4 4v16h16M7 15l4-5 3 3 5-7",
	help: "M9 9a3 3 0 1 1 4.500 2.600c-1 .6-1.500 1.200-1.500 2.400M12 18h.01",
	theme: "M12 4a8 8 0 1 0 0 16zM12 4a8 8 0 0 1 0 16",
	close: "M6 6l12 12M18 6 6 18",
	search: "M10.500 17a6.500 6.500 0 1 0 0-13 6.500 6.500 0 0 0 0 13zM15.500 15.500 20 20",
	plus: "M12 5v14M5 12h14", minus: "M5 12h14",
	follow: "M12 3v4M12 17v4M3 12h4M17 12h4M12 16a4 4 0 1 0 0-8 4 4 0 0 0 0 8z",
	layers: "M12 4 3 9l9 5 9-5zM3 14l9 5 9-5",
	back: "M14 6l-6 6 6 6", up: "M6 15l6-6 6 6", down: "M6 9l6 6 6-6", all: "M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5",
	hold: "M8 5v14M16 5v14", run: "M8 5l10 7-10 7z",
};

export const Icon = ({ name }: { name: string }) => (
	<svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
		<path d={paths[name]} />
	</svg>
);
