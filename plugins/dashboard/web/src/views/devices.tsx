// Devices: a live table of which only what is seen is in the page; sorted, filtered, searched, exported. A row opens the device's page.
import { signal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { loading, source, table, use, version, type Device } from "../devices";
import { bytes, dateTime, span, whole } from "../format";
import { Icon } from "../icons";
import { keys } from "../keys";
import { Age, Empty, SearchBox, tell } from "../parts";
import { go, route } from "../route";
import { now, value } from "../store";
import { t } from "../texts";
import { DevicePage } from "./device";

interface Col {
	key: string;
	width: string;
	cell: (d: Device) => ComponentChildren;
	by: (d: Device) => number | string;
	falls?: boolean; // what is wanted first is the largest
}
const dbm = (v: number | null) => (v === null ? t.none : `${v}`);
const cols: Col[] = [
	{ key: "name", width: "minmax(150px, 2fr)", cell: (d) => <strong>{d.name}</strong>, by: (d) => d.order },
	{ key: "mac", width: "148px", cell: (d) => <code>{d.mac}</code>, by: (d) => d.mac },
	{ key: "type", width: "minmax(96px, 1fr)", cell: (d) => d.type, by: (d) => d.type },
	{ key: "signal", width: "70px", cell: (d) => <Strength dbm={d.signal.last} />, by: (d) => d.signal.last ?? -999, falls: true },
	{ key: "spark", width: "84px", cell: (d) => <Spark values={d.course} />, by: (d) => d.course.length, falls: true },
	{ key: "channel", width: "72px", cell: (d) => d.channel ?? t.none, by: (d) => parseInt(d.channel ?? "", 10) || 9999 },
	{ key: "manufacturer", width: "minmax(100px, 1.3fr)", cell: (d) => d.manufacturer, by: (d) => d.manufacturer.toLowerCase() },
	{ key: "packets", width: "82px", cell: (d) => whole(d.packets), by: (d) => d.packets, falls: true },
	{ key: "data", width: "78px", cell: (d) => bytes(d.dataBytes), by: (d) => d.dataBytes, falls: true },
	{ key: "firstSeen", width: "100px", cell: (d) => <Seen ms={d.first} />, by: (d) => d.first, falls: true },
	{ key: "lastSeen", width: "100px", cell: (d) => <Seen ms={d.last} />, by: (d) => d.last, falls: true },
	{ key: "place", width: "168px", cell: (d) => (d.location ? `${d.location.lat.toFixed(5)}, ${d.location.lon.toFixed(5)}` : t.none), by: (d) => (d.location ? 1 : 0), falls: true },
];
const usual = ["name", "type", "signal", "spark", "channel", "manufacturer", "packets", "lastSeen"];
const kept = "patchbay-columns";
function storedColumns(): string[] {
	try {
		const list = JSON.parse(localStorage.getItem(kept) ?? "null");
		if (Array.isArray(list) && list.every((k) => cols.some((c) => c.key === k)) && list.length) return list;
	} catch {
		/* the usual ones */
	}
	return usual;
}

function Seen({ ms }: { ms: number }) {
	return ms ? <span title={dateTime(ms)}>{span(now.value - ms)}</span> : <>{t.none}</>;
}
export function Strength({ dbm: v }: { dbm: number | null }) {
	return <span class={v === null ? "dim" : v >= -60 ? "good" : v >= -78 ? "warn" : "dim"}>{dbm(v)}</span>;
}
export function Spark({ values }: { values: number[] }) {
	if (values.length < 2) return <svg class="spark" viewBox="0 0 78 18" aria-hidden="true" />;
	const y = (v: number) => 17 - ((Math.min(-25, Math.max(-100, v)) + 100) / 75) * 16;
	const step = 78 / (values.length - 1);
	return (
		<svg class="spark" viewBox="0 0 78 18" aria-hidden="true">
			<polyline points={values.map((v, i) => `${(i * step).toFixed(1)},${y(v).toFixed(1)}`).join(" ")} />
		</svg>
	);
}

// What is chosen stays over a visit to a device's page.
const search = signal("");
const type = signal("");
const placed = signal(false);
const order = signal<{ key: string; down: boolean }>({ key: "lastSeen", down: true });
const columns = signal(storedColumns());
const scrolled = signal(0);
const held = signal(false);

/// All that fits, in order. The last order is sorted again: what has hardly changed is quickly put right.
let last: Device[] = [];
export function fitting(): Device[] {
	const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
	const fits = (d: Device) => (!type.value || d.type === type.value) && (!placed.value || d.location) && words.every((w) => d.find.includes(w));
	const list: Device[] = [];
	const had = new Set<string>();
	for (const o of last) {
		const d = table.get(o.mac);
		if (d && fits(d)) list.push(d), had.add(d.mac);
	}
	for (const d of table.values()) if (!had.has(d.mac) && fits(d)) list.push(d);
	const by = cols.find((c) => c.key === order.value.key)?.by ?? ((d: Device) => d.last);
	const sign = order.value.down ? -1 : 1;
	list.sort((a, b) => {
		const x = by(a), y = by(b);
		return x < y ? -sign : x > y ? sign : a.mac < b.mac ? -1 : 1;
	});
	return (last = list);
}

export function Devices() {
	useEffect(() => use(), []);
	return route.value.what ? <DevicePage mac={route.value.what} /> : <List />;
}

const wide = matchMedia("(min-width: 761px)");
function List() {
	const [isWide, setWide] = useState(wide.matches);
	const frozen = useRef<Device[]>([]);
	useEffect(() => {
		const on = () => setWide(wide.matches);
		wide.addEventListener("change", on);
		const off = keys((k) => (k === "h" ? ((held.value = !held.value), true) : false));
		return () => (wide.removeEventListener("change", on), off());
	}, []);
	const v = version.value;
	const list = useMemo(() => (held.value && frozen.current.length ? frozen.current.map((d) => table.get(d.mac) ?? d) : (frozen.current = fitting())), [v, search.value, type.value, placed.value, order.value, held.value]);
	const types = useMemo(() => [...new Set([...table.values()].map((d) => d.type))].sort(), [v]);
	const l = loading.value;
	const evicted = value("kismet/summary")?.evicted ?? 0;
	const shown = cols.filter((c) => columns.value.includes(c.key));
	return (
		<div class="view full devices">
			<section class="card fill" aria-label={t.devices.title}>
				<div class="toolbar">
					<SearchBox value={search.value} on={(x) => (search.value = x)} placeholder={t.devices.search} />
					<label class="hideable">{t.devices.type} <select value={type.value} onChange={(e) => (type.value = e.currentTarget.value)}><option value="">{t.all}</option>{types.map((x) => <option key={x} value={x}>{x}</option>)}</select></label>
					<label class="hideable"><input type="checkbox" checked={placed.value} onChange={(e) => (placed.value = e.currentTarget.checked)} /> {t.devices.placed}</label>
					<button aria-pressed={held.value} onClick={() => (held.value = !held.value)}><Icon name={held.value ? "run" : "hold"} />{held.value ? t.devices.held : t.devices.hold}</button>
					<Menu name={t.devices.columns} class="hideable">
						{cols.map((c) => (
							<label key={c.key}><input type="checkbox" checked={columns.value.includes(c.key)} onChange={(e) => setColumn(c.key, e.currentTarget.checked)} /> {t.devices.cols[c.key]}</label>
						))}
					</Menu>
					<Menu name={t.devices.export}>
						{(["csv", "kml", "geojson"] as const).map((f) => <button key={f} data-export={f} onClick={() => void save(f, list)}>{t.devices[f]}</button>)}
					</Menu>
				</div>
				<p class="count dim">
					{t.devices.count(whole(list.length), whole(table.size))} · {t.devices.source(source.value)} {evicted > 0 && `· ${t.devices.evicted(evicted)} `}{l.busy && l.total > l.loaded && `· ${t.devices.loading(whole(l.loaded), whole(l.total))} `}
					<Age at={l.at} />
				</p>
				{l.failed && <p class="bad">{t.devices.failed(l.failed)}</p>}
				<Virtual list={list} cols={shown} isWide={isWide} />
			</section>
		</div>
	);
}

function setColumn(key: string, on: boolean) {
	const next = cols.map((c) => c.key).filter((k) => (k === key ? on : columns.value.includes(k)));
	if (!next.length) return;
	columns.value = next;
	try {
		localStorage.setItem(kept, JSON.stringify(next));
	} catch {
		/* then for this visit */
	}
}

async function save(format: "csv" | "kml" | "geojson", list: Device[]) {
	try {
		(await import("../export")).save(format, list);
	} catch (e) {
		tell(String((e as Error).message), "bad");
	}
}

export function Menu({ name, children, class: cls = "" }: { name: string; children: ComponentChildren; class?: string }) {
	const ref = useRef<HTMLDetailsElement>(null);
	useEffect(() => {
		const shut = (e: Event) => ref.current?.open && (!(e.target instanceof Node) || !ref.current.contains(e.target) || (e as KeyboardEvent).key === "Escape") && (ref.current.open = false);
		document.addEventListener("pointerdown", shut);
		const esc = (e: KeyboardEvent) => e.key === "Escape" && shut(e);
		document.addEventListener("keydown", esc);
		return () => (document.removeEventListener("pointerdown", shut), document.removeEventListener("keydown", esc));
	}, []);
	return (
		<details class={`menu ${cls}`} ref={ref}>
			<summary class="button">{name}</summary>
			<div class="menubox">{children}</div>
		</details>
	);
}

// ---- only what is seen --------------------------------------------------------------------------------------------------

function Virtual({ list, cols: shown, isWide }: { list: Device[]; cols: Col[]; isWide: boolean }) {
	const height = isWide ? 34 : 62;
	const box = useRef<HTMLDivElement>(null);
	const [top, setTop] = useState(scrolled.peek());
	const [room, setRoom] = useState(600);
	const [active, setActive] = useState<string | null>(null);
	useEffect(() => {
		const o = new ResizeObserver(() => box.current && setRoom(box.current.clientHeight));
		o.observe(box.current!);
		box.current!.scrollTop = scrolled.peek();
		return () => o.disconnect();
	}, []);
	const first = Math.max(0, Math.min(Math.floor(top / height) - 6, list.length - 1));
	const rows = list.slice(first, first + Math.ceil(room / height) + 12);
	const template = shown.map((c) => c.width).join(" ");
	const at = active ? list.findIndex((d) => d.mac === active) : -1;
	function move(to: number) {
		to = Math.max(0, Math.min(list.length - 1, to));
		if (!list[to]) return;
		setActive(list[to].mac);
		const b = box.current!, y = to * height, head = isWide ? 32 : 0;
		if (y < b.scrollTop) b.scrollTop = y;
		else if (y + height > b.scrollTop + b.clientHeight - head) b.scrollTop = y + height - b.clientHeight + head;
	}
	function onKey(e: KeyboardEvent) {
		const page = Math.floor(room / height) - 1;
		const to = { ArrowDown: at + 1, ArrowUp: at - 1, PageDown: at + page, PageUp: at - page, Home: 0, End: list.length - 1 }[e.key];
		if (to !== undefined) move(to), e.preventDefault();
		else if (e.key === "Enter" && active) go("devices", active);
	}
	return (
		<div class="virtual" ref={box} tabIndex={0} role="table" aria-label={t.devices.title} aria-rowcount={list.length + 1} aria-activedescendant={at >= 0 ? `row-${at}` : undefined}
			onScroll={(e) => setTop((scrolled.value = e.currentTarget.scrollTop))} onKeyDown={onKey}>
			{isWide && (
				<div class="vhead" role="row" style={{ gridTemplateColumns: template }}>
					{shown.map((c) => (
						<div key={c.key} role="columnheader" class={c.key} aria-sort={order.value.key === c.key ? (order.value.down ? "descending" : "ascending") : "none"}>
							<button class="sort" onClick={() => (order.value = { key: c.key, down: order.value.key === c.key ? !order.value.down : !!c.falls })}>
								{t.devices.cols[c.key]}<span aria-hidden="true">{order.value.key === c.key ? (order.value.down ? " ↓" : " ↑") : ""}</span>
							</button>
						</div>
					))}
				</div>
			)}
			{!list.length && <Empty>{table.size ? t.devices.noMatch : loading.value.busy ? t.loading : t.devices.none}</Empty>}
			<div class="vbody" role="rowgroup" style={{ height: `${list.length * height}px` }}>
				{rows.map((d, i) => (
					<div key={i} id={`row-${first + i}`} role="row" aria-rowindex={first + i + 2} class={`vrow${d.mac === active ? " active" : ""}`} data-mac={d.mac} onClick={() => go("devices", d.mac)}
						style={{ top: `${(first + i) * height}px`, height: `${height}px`, gridTemplateColumns: isWide ? template : "" }}>
						{isWide ? shown.map((c) => <div key={c.key} role="cell" class={c.key}>{c.cell(d)}</div>) : <Narrow d={d} />}
					</div>
				))}
			</div>
		</div>
	);
}

function Narrow({ d }: { d: Device }) {
	return (
		<>
			<div role="cell" class="name"><strong>{d.name}</strong></div>
			<div role="cell" class="signal"><Strength dbm={d.signal.last} /> <span class="dim">dBm</span></div>
			<div role="cell" class="dim more">{[d.type, d.channel && `ch ${d.channel}`, d.manufacturer !== "Unknown" && d.manufacturer].filter(Boolean).join(" · ")}</div>
			<div role="cell" class="dim seen"><Seen ms={d.last} /></div>
		</>
	);
}
