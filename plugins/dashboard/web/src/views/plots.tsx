// Plots of the last hour, kept in the daemon: one cursor over all of them; new samples come in as they are taken.
import "uplot/dist/uPlot.min.css";
import { useEffect, useRef, useState } from "preact/hooks";
import uPlot from "uplot";
import { get } from "../api";
import { clock } from "../format";
import { Age, Empty, why } from "../parts";
import { listen, onOpen, topic } from "../store";
import { t } from "../texts";
import { color, themeSeen } from "../theme";

interface Plot {
	columns: string[];
	digits: number;
	scale?: number;
	top?: number;
}
const plots: Plot[] = [
	{ columns: ["satellites_used", "satellites_seen"], digits: 0 }, { columns: ["fix_error_m"], digits: 1 }, { columns: ["devices_per_minute"], digits: 0 }, { columns: ["packets_per_second"], digits: 0 },
	{ columns: ["cpu_percent", "daemon_cpu_percent"], digits: 1, top: 100 }, { columns: ["memory_percent"], digits: 0, top: 100 }, { columns: ["loop_lag_ms"], digits: 2 }, { columns: ["load"], digits: 2 },
	{ columns: ["disk_percent"], digits: 0, top: 100 }, { columns: ["daemon_bytes"], digits: 1, scale: 1e-6 }, { columns: ["devices"], digits: 0 }, { columns: ["temperature_c"], digits: 0 },
];
const remembered = 3600;

type Data = Record<string, (number | null)[]>;

export function Plots() {
	const data = useRef<Data | null>(null);
	const [n, redraw] = useState(0);
	const [failed, setFailed] = useState("");
	useEffect(() => {
		const load = () => get("dashboard/history").then((r) => ((data.current = r.columns), setFailed(""), redraw((x) => x + 1)), (e) => setFailed(why(e)));
		void load();
		const ends = [onOpen(load), listen("dashboard/sample", (s) => {
			const d = data.current;
			if (!d || s.time <= (d.time.at(-1) ?? 0)) return;
			for (const k of Object.keys(d)) d[k].push(k === "time" ? s.time : (s[k] ?? null));
			while (d.time.length && d.time[0]! < s.time - remembered * 1000 - 20_000) for (const k of Object.keys(d)) d[k].shift();
			redraw((x) => x + 1);
		})];
		return () => ends.forEach((f) => f());
	}, []);
	const d = data.current;
	if (!d?.time?.length) return <Empty>{failed || t.plots.none}</Empty>;
	return (
		<div class="view">
			<header class="plothead"><h2>{t.plots.title}</h2> <Age at={topic("dashboard/sample").value?.at ?? d.time.at(-1)!} /></header>
			<div class="plots">
				{plots.filter((p) => p.columns.some((c) => d[c]?.some((v) => v !== null))).map((p) => <One key={p.columns[0]} p={p} d={d} n={n} />)}
			</div>
		</div>
	);
}

function One({ p, d, n }: { p: Plot; d: Data; n: number }) {
	const box = useRef<HTMLDivElement>(null);
	const plot = useRef<uPlot | null>(null);
	const rows = (): uPlot.AlignedData => [d.time.map((x) => x! / 1000), ...p.columns.map((c) => (p.scale ? d[c].map((v) => (v === null ? null : v * p.scale!)) : d[c]))] as uPlot.AlignedData;
	useEffect(() => {
		const axis = { stroke: color("dim"), grid: { stroke: color("line"), width: 1 }, ticks: { show: false }, font: "11px system-ui, sans-serif" };
		const u = new uPlot(
			{
				width: box.current!.clientWidth, height: 150, legend: { show: false }, cursor: { sync: { key: "hour" }, drag: { x: false, y: false }, points: { size: 6 } }, padding: [8, 8, 0, 0],
				scales: { x: { time: true, range: (_u, min, max) => [Math.min(min, max - 60), max] }, y: { range: (_u, min, max) => (p.top ? [0, p.top] : [Math.min(0, min ?? 0), Math.max(max ?? 1, 1e-3) * 1.12]) } },
				axes: [{ ...axis, size: 24, space: 84, values: (u, splits) => splits.map((x) => clock(x * 1000).slice(0, u.scales.x.max! - u.scales.x.min! < 600 ? 8 : 5)) }, { ...axis, size: 44, space: 32 }],
				series: [{}, ...p.columns.map((_c, i): uPlot.Series => ({ stroke: color(i ? "dim" : "accent"), width: 1.5, spanGaps: false, points: { show: false }, fill: i ? undefined : `${color("accent")}22` }))],
				hooks: { setCursor: [(x) => show(x.cursor.idx ?? null)] },
			},
			rows(), box.current!,
		);
		plot.current = u;
		const o = new ResizeObserver(() => box.current && u.setSize({ width: box.current.clientWidth, height: 150 }));
		o.observe(box.current!);
		return () => (o.disconnect(), u.destroy());
	}, [themeSeen.value]);
	useEffect(() => plot.current?.setData(rows()), [n]);
	const [at, show] = useState<number | null>(null);
	const i = at ?? d.time.length - 1;
	const read = (c: string) => {
		const v = d[c][i];
		return v === null || v === undefined ? t.none : (v * (p.scale ?? 1)).toFixed(p.digits);
	};
	const title = p.columns.map((c) => t.plots[c]).join(", ");
	return (
		<section class="card plot" aria-label={title}>
			<header>
				<h2>{title}</h2>
				<output>{p.columns.map(read).join(" / ")}</output>
			</header>
			<div ref={box} role="img" aria-label={`${title}: ${p.columns.map(read).join(", ")}`} />
		</section>
	);
}
