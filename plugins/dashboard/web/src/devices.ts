// The devices in the air: loaded a page at a time, then kept by what changes, as long as some view looks at them.
import { computed, effect, signal } from "@preact/signals";
import { get } from "./api";
import { link, listen, onLag, onOpen, value, want } from "./store";

export interface Device {
	mac: string;
	name: string;
	type: string;
	manufacturer: string;
	channel: string | null;
	frequency: number | null;
	packets: number;
	dataBytes: number;
	firstSeen: string | null;
	lastSeen: string | null;
	signal: { last: number | null; min: number | null; max: number | null };
	location: { lat: number; lon: number; alt: number | null; accuracy: number | null } | null;
	// ours
	first: number;
	last: number;
	find: string; // lower case: what a search looks at
	order: string; // lower case name
	course: number[]; // the newest signals seen by this page
	best: { dbm: number; place: { lat: number; lon: number } } | null; // where it was strongest, as far as this page has seen
}

export const table = new Map<string, Device>();
/// Counts changes of the table, twice a second at most.
export const version = signal(0);
export const loading = signal<{ loaded: number; total: number; busy: boolean; failed: string; at: number }>({ loaded: 0, total: 0, busy: false, failed: "", at: NaN });

export type Source = "kismet" | "csv";
/// Kismet where it is up or has had something; else the logs, where one is followed.
export const source = computed<Source>(() => {
	const state = value("kismet/link")?.state;
	if (state === "up" || value("kismet/summary")?.devices > 0) return "kismet";
	return value("csv/file")?.path ? "csv" : "kismet";
});

const courseLength = 40;
const text = (v: unknown) => (typeof v === "string" ? v : v === null || v === undefined ? "" : String(v));
const num = (v: unknown) => (typeof v === "number" && Number.isFinite(v) ? v : null);

function put(raw: any) {
	const mac = text(raw?.mac);
	if (!mac) return;
	const old = table.get(mac);
	const name = text(raw.name), type = text(raw.type), manufacturer = text(raw.manufacturer);
	const s = raw.signal ?? {};
	const l = raw.location;
	const last = num(s.last);
	const course = old?.course ?? [];
	if (last !== null && (old === undefined || raw.lastSeen !== old.lastSeen || last !== old.signal.last)) {
		course.push(last);
		if (course.length > courseLength) course.shift();
	}
	const isSame = old && old.name === name && old.type === type && old.manufacturer === manufacturer;
	const location = l && num(l.lat) !== null && num(l.lon) !== null && Math.abs(l.lat) <= 90 && Math.abs(l.lon) <= 180 ? { lat: l.lat, lon: l.lon, alt: num(l.alt), accuracy: num(l.accuracy) } : null;
	const dbm = last ?? -200;
	const best = location && (!old?.best || dbm >= old.best.dbm) ? { dbm, place: location } : (old?.best ?? null);
	table.set(mac, {
		mac, name, type, manufacturer, channel: raw.channel === null || raw.channel === undefined ? null : text(raw.channel), frequency: num(raw.frequency), packets: num(raw.packets) ?? 0, dataBytes: num(raw.dataBytes) ?? 0,
		firstSeen: raw.firstSeen ?? null, lastSeen: raw.lastSeen ?? null, signal: { last, min: num(s.min), max: num(s.max) },
		location, best,
		first: Date.parse(raw.firstSeen) || 0, last: Date.parse(raw.lastSeen) || 0, course,
		find: isSame ? old.find : `${name}\n${mac}\n${manufacturer}\n${type}`.toLowerCase(), order: isSame ? old.order : name.toLowerCase(),
	});
}

let told = 0;
function changed() {
	if (told) return;
	told = window.setTimeout(() => ((told = 0), version.value++), 500);
}

function onChanges(from: Source, v: any) {
	if (from !== loadedFrom) return;
	for (const d of v.added ?? []) put(d);
	for (const d of v.changed ?? []) put(d);
	for (const m of v.removed ?? []) table.delete(m);
	loading.value = { ...loading.peek(), at: Date.now() };
	changed();
}

let loadedFrom: Source | null = null;
let run = 0;
let loadedAt = 0;

/// All pages, newest first, so that what is looked for is there early. since: only what has been seen from then on.
async function load(since?: number) {
	const mine = ++run;
	const from = source.peek();
	if (from !== loadedFrom) {
		table.clear();
		loadedFrom = from;
		since = undefined;
	}
	const seen = new Set<string>();
	let cursor = "";
	loading.value = { ...loading.peek(), loaded: 0, busy: true, failed: "" };
	try {
		do {
			const q = `${from}/devices?limit=1000&sort=-lastSeen${since ? `&since=${encodeURIComponent(new Date(since).toISOString())}` : ""}${cursor && `&cursor=${encodeURIComponent(cursor)}`}`;
			const page = await get(q, 60_000);
			if (mine !== run) return;
			for (const d of page.devices) put(d), seen.add(d.mac);
			cursor = page.next ?? "";
			loading.value = { loaded: seen.size, total: page.total, busy: !!cursor, failed: "", at: Date.now() };
			version.value++;
		} while (cursor);
		loadedAt = Date.now();
		if (!since) for (const [mac, d] of table) if (!seen.has(mac) && d.last < loadedAt - 60_000) table.delete(mac);
		version.value++;
	} catch (e) {
		if (mine === run) loading.value = { ...loading.peek(), busy: false, failed: (e as Error).message };
	}
}

const newest = () => {
	let t = 0;
	for (const d of table.values()) if (d.last > t) t = d.last;
	return t;
};
/// After a gap: what has been seen since, or all where the gap was long.
const again = () => void (loading.peek().busy || load(table.size && Date.now() - loadedAt < 600_000 ? newest() - 60_000 : undefined));

let users = 0;
let ends: (() => void)[] = [];
/// The table is kept while somebody uses it, and a minute longer.
export function use(): () => void {
	if (users++ === 0 && !ends.length) {
		ends = [want("kismet/changes", "csv/changes"), listen("kismet/changes", (v) => onChanges("kismet", v)), listen("csv/changes", (v) => onChanges("csv", v)), onOpen(again), onLag(again)];
		let first = true;
		ends.push(
			effect(() => {
				const from = source.value;
				if (!first && from !== loadedFrom && link.peek().state === "live") void load();
				first = false;
			}),
		);
		void load(table.size && loadedAt ? newest() - 60_000 : undefined);
	}
	return () => {
		users--;
		setTimeout(() => {
			if (users || !ends.length) return;
			ends.forEach((f) => f());
			ends = [];
		}, 60_000);
	};
}
