// What is written on the base: the net of longitude and latitude, names of countries and places that do not cover each other.
import { base } from "./base";
import { toLat, toX, toY, worldSize, wrap, type Camera } from "./mercator";

export type Colors = Record<string, string>;

/// Lines of longitude and latitude: what there is to hold on to where the base has nothing.
export function drawGrid(c: CanvasRenderingContext2D, colors: Colors, camera: Camera, w: number, h: number) {
	const size = worldSize(camera.zoom);
	const steps = [30, 10, 5, 2, 1, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001];
	const step = steps.find((s) => (s / 360) * size < 240) ?? 0.001;
	const left = camera.x - w / 2 / size, top = camera.y - h / 2 / size;
	const marks: { value: number; ways: string; x: number; y: number }[] = [];
	c.strokeStyle = colors.grid;
	c.lineWidth = 1;
	c.beginPath();
	for (let lon = Math.ceil(((left - 0.5) * 360) / step) * step; lon < (left + w / size - 0.5) * 360; lon += step) {
		const x = Math.round((toX(lon) - left) * size) + 0.5;
		c.moveTo(x, 0);
		c.lineTo(x, h);
		for (let y = 40; y < h; y += 480) marks.push({ value: lon, ways: "EW", x: x + 4, y });
	}
	for (let lat = -80; lat <= 80 && step >= 10; lat += step) line(lat);
	if (step < 10) {
		const from = Math.ceil(toLat(top + h / size) / step) * step, to = toLat(top);
		for (let lat = from; lat < to; lat += step) line(lat);
	}
	c.stroke();
	if (step > 1) return;
	const digits = Math.max(0, Math.ceil(-Math.log10(step)));
	c.fillStyle = colors.dim;
	c.font = "10px system-ui, sans-serif";
	c.textAlign = "left";
	for (const m of marks) c.fillText(`${Math.abs(m.value).toFixed(digits)}° ${m.value < 0 ? m.ways[1] : m.ways[0]}`, m.x, m.y);
	function line(lat: number) {
		const y = Math.round((toY(lat) - top) * size) + 0.5;
		c.moveTo(0, y);
		c.lineTo(w, y);
		for (let x = 40; x < w; x += 640) marks.push({ value: lat, ways: "NS", x, y: y - 4 });
	}
}

export function drawNames(c: CanvasRenderingContext2D, colors: Colors, camera: Camera, w: number, h: number) {
	const size = worldSize(camera.zoom);
	const taken: [number, number, number, number][] = [];
	const put = (x: number, y: number, text: string, font: string, fill: string, dot: number) => {
		c.font = font;
		const half = c.measureText(text).width / 2 + 4;
		const box: [number, number, number, number] = dot ? [x - 5, y - 9, x + 2 * half + 8, y + 9] : [x - half, y - 9, x + half, y + 9];
		if (box[0] < 0 || box[1] < 0 || box[2] > w || box[3] > h || taken.some((t) => t[0] < box[2] && t[2] > box[0] && t[1] < box[3] && t[3] > box[1])) return;
		taken.push(box);
		c.lineWidth = 3;
		c.strokeStyle = colors.land;
		c.fillStyle = fill;
		if (dot) {
			c.beginPath();
			c.arc(x, y, dot, 0, 7);
			c.fill();
		}
		c.textAlign = dot ? "left" : "center";
		c.strokeText(text, dot ? x + 6 : x, y + 4);
		c.fillText(text, dot ? x + 6 : x, y + 4);
	};
	const at = (px: number, py: number): [number, number] => [w / 2 + wrap(px - camera.x) * size, h / 2 + (py - camera.y) * size];
	if (camera.zoom < 6.5)
		for (const n of [...(base.coarse?.names ?? [])].sort((a, b) => b.size - a.size)) {
			if (((n.size / 100 / 360) * size) < n.name.length * 3.2) continue;
			const [x, y] = at(n.x, n.y);
			put(x, y, n.name.toUpperCase(), "600 10.5px system-ui, sans-serif", colors.dim, 0);
		}
	const least = Math.max(14.2, 25.5 - camera.zoom * 1.15);
	let n = 0;
	for (const p of camera.zoom >= 3 ? (base.places ?? []) : []) {
		if (p.size < least && !(p.isCapital && camera.zoom > 3.6)) continue;
		const [x, y] = at(p.x, p.y);
		if (x < 0 || y < 0 || x > w || y > h) continue;
		put(x, y, p.name, `${p.isCapital ? "600 " : ""}${p.size > 19.5 ? 13 : 12}px system-ui, sans-serif`, colors.place, p.isCapital ? 3 : 2);
		if (++n > 260) break;
	}
}
