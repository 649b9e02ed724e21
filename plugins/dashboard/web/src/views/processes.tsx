// Processes: groups as a graph of what needs what, each with its state and what can be done; below it the log of the chosen one.
import { useEffect, useRef, useState } from "preact/hooks";
import { post } from "../api";
import { read } from "../events";
import { bytes, fixed, known, span, unixMs } from "../format";
import { Age, Card, Do, Empty, Missing, SearchBox, State, toneOf, why } from "../parts";
import { go, route } from "../route";
import { now, onOpen, topic, under, value } from "../store";
import { t } from "../texts";
import { box, layout } from "./graph";
import { Lines, type Line } from "./lines";
import { isRunning } from "./now";

const enc = encodeURIComponent;
const act = (name: string, what: "start" | "stop" | "restart", query = "") => () => post(`procs/${enc(name)}/${what}${query}`, {}, 180_000);
export const runs = (p: any) => ["starting", "running", "ready"].includes(p.state);

export function Processes() {
	const summary = topic("procs/summary").value;
	const [groups, setGroups] = useState<Record<string, string[]>>({});
	const [group, setGroup] = useState("");
	useEffect(() => {
		const load = () => post("call/procs.status", {}).then((r) => setGroups(groupsOf(r.result?.groups)), () => undefined);
		void load();
		return onOpen(load);
	}, [summary?.value.total]);
	if (!summary) return <Missing plugin="procs" running={isRunning("procs")} />;
	const all = under("procs/").filter((n) => n !== "procs/summary").map((n) => value(n)).filter(Boolean);
	const shown = group ? withNeeds(all, groups[group] ?? []) : all;
	const chosen = route.value.what;
	const chosenProcess = all.find((p) => p.name === chosen);
	return (
		<div class="view">
			<Card title={t.procs.graph} at={summary.at} since>
				<div class="toolbar" role="group" aria-label={t.procs.groups}>
					<button aria-pressed={!group} onClick={() => setGroup("")}>{t.procs.all}</button>
					{Object.keys(groups).map((g) => <button key={g} aria-pressed={group === g} onClick={() => setGroup(g)}>{g}</button>)}
					{group && (
						<>
							<Do what={`${t.do.startGroup} ${group}`} kind="first" on={() => post("call/procs.start", { group }, 180_000)}>{t.do.startGroup}</Do>
							<Do what={`${t.do.stopGroup} ${group}`} sure on={() => post("call/procs.stop", { group }, 180_000)}>{t.do.stopGroup}</Do>
						</>
					)}
				</div>
				{all.length ? <Graph processes={shown} chosen={chosen} /> : <Empty>{t.now.noProcs}</Empty>}
			</Card>
			{chosenProcess ? <ProcessLog key={chosen} p={chosenProcess} /> : all.length > 0 && <Empty>{t.procs.choose}</Empty>}
		</div>
	);
}

function groupsOf(g: any): Record<string, string[]> {
	const out: Record<string, string[]> = {};
	for (const [name, v] of Object.entries<any>(g ?? {})) {
		const list = Array.isArray(v) ? v : (v?.processes ?? v?.members ?? []);
		out[name] = list.map((x: any) => (typeof x === "string" ? x : x?.name)).filter(Boolean);
	}
	return out;
}
function withNeeds(all: any[], names: string[]): any[] {
	const wanted = new Set(names);
	for (let grew = true; grew; ) {
		grew = false;
		for (const p of all) if (wanted.has(p.name)) for (const r of p.requires ?? []) if (!wanted.has(r)) wanted.add(r), (grew = true);
	}
	return all.filter((p) => wanted.has(p.name));
}

function Graph({ processes, chosen }: { processes: any[]; chosen: string }) {
	const ref = useRef<HTMLDivElement>(null);
	const [width, setWidth] = useState(0);
	useEffect(() => {
		const o = new ResizeObserver(() => ref.current && setWidth(ref.current.clientWidth));
		o.observe(ref.current!);
		return () => o.disconnect();
	}, []);
	const isNarrow = width < 560;
	const g = layout(processes, isNarrow, width);
	return (
		<div class="graph">
			<div ref={ref} />
			{width > 0 && (
				<div class="plane" style={{ width: `${g.width}px`, height: `${g.height}px` }}>
					<svg width={g.width} height={g.height} aria-hidden="true">
						{g.edges.map((e) => <path key={`${e.from}>${e.to}`} d={e.path} class={toneOf(value(`procs/${e.from}`)?.state ?? "")} />)}
					</svg>
					{g.placed.map(({ p, x, y }) => (
						<div key={p.name} class={`node ${toneOf(p.state)}${chosen === p.name ? " chosen" : ""}`} data-process={p.name} data-state={p.state}
							style={{ left: `${x}px`, top: `${y}px`, width: isNarrow ? `${g.width - x}px` : `${box.width}px`, height: `${box.height}px` }}>
							<Node p={p} />
						</div>
					))}
				</div>
			)}
		</div>
	);
}

function Node({ p }: { p: any }) {
	const on = runs(p);
	return (
		<>
			<div class="head">
				<a href={`#/processes/${enc(p.name)}`} title={p.requires?.length ? `${t.procs.needs}: ${p.requires.join(", ")}` : undefined}>{p.name}</a>
				<State of={p.state} />
			</div>
			<p class="dim facts" title={p.reason ?? ""}>
				{on ? [Number.isFinite(unixMs(p.since)) && span(now.value - unixMs(p.since)), known(p.cpu) && `${fixed(p.cpu, 0)} %`, p.memory?.rss > 0 && bytes(p.memory.rss), p.pid && `PID ${p.pid}`, p.adopted && t.procs.adopted].filter(Boolean).join(" · ")
					: p.reason || lastExit(p) || <Age at={unixMs(p.since)} since />}
			</p>
			<div class="buttons">
				{on || p.state === "stopping" ? (
					<>
						<Do what={`${t.do.stop} ${p.name}`} sure on={act(p.name, "stop")}>{t.do.stop}</Do>
						{p.state === "stopping" ? <Do what={`${t.do.force} ${p.name}`} sure on={act(p.name, "stop", "?force=true")}>{t.do.force}</Do> : <Do what={`${t.do.restart} ${p.name}`} on={act(p.name, "restart")}>{t.do.restart}</Do>}
					</>
				) : (
					<Do what={`${t.do.start} ${p.name}`} kind="first" on={act(p.name, "start")}>{t.do.start}</Do>
				)}
				<button class="do" aria-label={t.procs.log(p.name)} onClick={() => go("processes", p.name)}>{t.do.log}</button>
			</div>
		</>
	);
}

const lastExit = (p: any) => (p.last_exit ? (p.last_exit.signal ? t.procs.signal(p.last_exit.signal) : known(p.last_exit.code) ? t.procs.code(p.last_exit.code) : "") : "");

// ---- its log ------------------------------------------------------------------------------------------------------------

const mostLines = 3000;
const plain = (s: string) => s.replace(/\x1b\[[0-9;?]*[A-Za-z]|\x1b[()][A-Z0-9]|[\x00-\x08\x0b-\x1f]/g, "");
let serial = 0;

function ProcessLog({ p }: { p: any }) {
	const [lines, set] = useState<Line[]>([]);
	const [failed, setFailed] = useState("");
	const [search, setSearch] = useState("");
	useEffect(() => {
		let ended = false, wait = 1000, timer = 0;
		let abort = new AbortController();
		async function follow() {
			let fresh = true;
			try {
				await read(`/api/webhook/procs/${enc(p.name)}/log?lines=500&follow=1`, abort, {}, (events) => {
					const got: Line[] = [];
					for (const e of events) {
						if (e.event !== "line" && e.event !== "lag") continue;
						const v = JSON.parse(e.data);
						got.push(e.event === "lag" ? { id: ++serial, at: Date.now(), kind: "keeper", text: t.procs.lag(v.missed ?? 0) } : { id: ++serial, at: unixMs(v.time), kind: v.stream ?? "stdout", text: plain(String(v.text ?? "")) });
					}
					const isFirst = fresh;
					fresh = false;
					set((old) => (isFirst ? got : [...old, ...got]).slice(-mostLines));
				}, () => ((wait = 1000), setFailed("")));
			} catch (e) {
				if (!ended) setFailed(why(e));
			}
			if (ended) return;
			abort = new AbortController();
			timer = window.setTimeout(follow, (wait = Math.min(wait * 2, 15_000)));
		}
		void follow();
		return () => ((ended = true), clearTimeout(timer), abort.abort());
	}, [p.name]);
	const box = useRef<HTMLDivElement>(null);
	useEffect(() => box.current?.scrollIntoView({ block: "nearest" }), []);
	return (
		<div ref={box}>
		<Card title={t.procs.log(p.name)} at={lines.at(-1)?.at} since class="proclog">
			<dl class="fields">
				<div class="field"><dt>{t.interfaces.cols.state}</dt><dd><State of={p.state} /></dd></div>
				<div class="field"><dt>{t.procs.pid}</dt><dd>{p.pid ?? t.none}</dd></div>
				<div class="field"><dt>{t.procs.restarts}</dt><dd>{p.restarts}</dd></div>
				<div class="field"><dt>{t.procs.lastExit}</dt><dd>{lastExit(p) || t.none} {p.last_exit && <Age at={unixMs(p.last_exit.time)} />}</dd></div>
			</dl>
			{p.reason && <p class={p.state === "failed" ? "bad" : "dim"}>{p.reason}</p>}
			<div class="toolbar"><SearchBox value={search} on={setSearch} /> {failed && <span class="bad">{failed}</span>}
				<button onClick={() => go("processes")}>{t.close}</button></div>
			<Lines lines={lines} search={search} empty={t.procs.noLog} label={t.procs.log(p.name)} />
		</Card>
		</div>
	);
}
