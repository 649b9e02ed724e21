// What the daemon knows, as signals: one event stream for the whole page, kept up for as long as the page is looked at.
import { batch, computed, signal, type Signal } from "@preact/signals";
import { clockOffset, get, token, tokenNeeded } from "./api";
import { read, Refused, type Event } from "./events";
import { t } from "./texts";

export interface Value {
	value: any;
	seq: number;
	at: number; // unix ms by our clock: when it changed; NaN where it is not known yet
}

export type LinkState = "connecting" | "live" | "lost" | "paused" | "token";
export const link = signal<{ state: LinkState; since: number; next: number; why: string }>({ state: "connecting", since: Date.now(), next: 0, why: "" });
/// Ticks once a second while the page is seen: what ages are counted by.
export const now = signal(Date.now());

const topics = new Map<string, Signal<Value | undefined>>();
const names = signal<string[]>([]);
export const serverTopics = computed(() => names.value);

export function topic(name: string): Signal<Value | undefined> {
	let s = topics.get(name);
	if (!s) topics.set(name, (s = signal<Value | undefined>(undefined)));
	return s;
}
export const value = (name: string): any => topic(name).value?.value;

/// Names of the topics that have a value and begin so.
export const under = (prefix: string) => names.value.filter((n) => n.startsWith(prefix));

type Listener = (value: any) => void;
const listeners = new Map<string, Set<Listener>>();
/// Each value of a topic as it comes, events that are not kept included.
export function listen(name: string, on: Listener): () => void {
	const set = listeners.get(name) ?? new Set();
	listeners.set(name, set.add(on));
	return () => set.delete(on);
}
const lagged = new Set<() => void>();
/// Called where values were left out because we were too slow: what is told in differences must be asked for.
export function onLag(f: () => void): () => void {
	lagged.add(f);
	return () => lagged.delete(f);
}
const opened = new Set<() => void>();
/// Called whenever the link has come up (again): what was missed must be asked for.
export function onOpen(f: () => void): () => void {
	opened.add(f);
	return () => opened.delete(f);
}

// ---- the stream ---------------------------------------------------------------------------------------------------------

const always = ["gps/fix", "gps/sky", "gps/devices", "gps/link", "kismet/link", "kismet/summary", "kismet/alerts", "csv/file", "procs/*", "netif/summary", "netif/incident", "locks/summary",
	"locks/changes", "ports/table", "recovery/incidents", "dashboard/*", "core/*"];
const wanted = new Map<string, number>();
let lastId = "";
let lastQuery = "";
let abort: AbortController | null = null;
let heardAt = 0;
let wake: (() => void) | null = null;
let failures = 0;

/// More topics while somebody looks at them; the stream is opened anew where they change.
export function want(...patterns: string[]): () => void {
	for (const p of patterns) wanted.set(p, (wanted.get(p) ?? 0) + 1);
	replan();
	return () => {
		for (const p of patterns) {
			const n = wanted.get(p)! - 1;
			if (n) wanted.set(p, n);
			else wanted.delete(p);
		}
		replan();
	};
}
let planned = 0;
function replan() {
	clearTimeout(planned);
	planned = window.setTimeout(() => query() !== lastQuery && restart(), 50);
}
const query = () => [...always, ...wanted.keys()].join(",");

export function restart() {
	failures = 0;
	abort?.abort("again");
	wake?.();
}

function take(events: Event[]) {
	const at = Date.now();
	batch(() => {
		let added = false;
		for (const e of events) {
			if (e.id) lastId = e.id;
			if (e.event === "lag") {
				for (const f of lagged) f();
				continue;
			}
			let v: any;
			try {
				v = JSON.parse(e.data);
			} catch {
				continue;
			}
			if (e.event === "gone") {
				const name = typeof v === "string" ? v : v?.topic;
				if (topics.has(name)) topic(name).value = undefined;
				known.delete(name);
				names.value = names.value.filter((n) => n !== name);
				continue;
			}
			const seq = Number(e.id);
			topic(e.event).value = { value: v, seq, at: isFirst ? (times.get(e.event)?.at ?? NaN) : at };
			if (!known.has(e.event)) known.add(e.event), (added = true);
			for (const on of listeners.get(e.event) ?? []) on(v);
		}
		if (added) names.value = [...known].sort();
	});
}
const known = new Set<string>();

/// Kept values come without their times: those stand in the list of topics.
let isFirst = false;
const times = new Map<string, { seq: number; at: number }>();
async function learnTimes() {
	const list = await get("topics", 10_000);
	times.clear();
	for (const x of list.topics) if (typeof x.time === "number") times.set(x.name, { seq: x.seq, at: x.time - clockOffset.value });
	batch(() => {
		for (const [name, s] of topics) {
			const v = s.peek();
			const told = times.get(name);
			if (!v) continue;
			if (!told) s.value = known.has(name) && list.topics.some((x: any) => x.name === name) ? v : undefined;
			else if (v.seq === told.seq || (!told.seq && Number.isNaN(v.at))) s.value = { ...v, at: told.at };
			else if (Number.isNaN(v.at)) s.value = { ...v, at: Date.now() };
		}
		for (const name of [...known]) if (!topic(name).peek()) known.delete(name);
		names.value = [...known].sort();
	});
}

function set(state: LinkState, why = "", next = 0) {
	const old = link.peek();
	link.value = { state, since: old.state === state || (state === "connecting" && old.state === "lost") ? old.since : Date.now(), next, why };
}

async function once() {
	const q = query();
	const isSame = q === lastQuery;
	if (!isSame) lastId = "";
	lastQuery = q;
	abort = new AbortController();
	const mine = abort;
	const opening = setTimeout(() => mine.abort("silent"), 12_000);
	isFirst = true;
	try {
		await read(`/api/webhook/events?topics=${encodeURIComponent(q)}`, mine, lastId ? { "Last-Event-ID": lastId } : {}, take, () => {
			heardAt = Date.now();
			if (!isFirst || link.peek().state === "live") return;
			clearTimeout(opening);
			failures = 0;
			set("live");
			learnTimes()
				.catch(() => undefined)
				.finally(() => (isFirst = false));
			for (const f of opened) f();
		});
		throw new Error(t.link.why.closed);
	} finally {
		clearTimeout(opening);
		mine.abort();
	}
}

const pause = (ms: number) =>
	new Promise<void>((done) => {
		const timer = setTimeout(end, ms);
		function end() {
			clearTimeout(timer);
			wake = null;
			done();
		}
		wake = end;
	});

async function run() {
	for (;;) {
		try {
			await once();
		} catch (e) {
			const reason = abort?.signal.reason;
			if (reason === "again") {
				isFirst = true;
				if (link.peek().state === "live") set("connecting");
				continue;
			}
			if (reason === "hidden") {
				set("paused");
				await pause(1e9);
				continue;
			}
			if (e instanceof Refused && e.status === 401) {
				set("token");
				await new Promise<void>((done) => {
					const end = token.subscribe(() => tokenNeeded.peek() === null && (done(), queueMicrotask(() => end())));
					wake = done;
				});
				continue;
			}
			const why = reason === "silent" ? t.link.why.silent : e instanceof Refused ? t.link.why.status(e.status) : e instanceof TypeError ? t.link.why.unreachable : (e as Error).message;
			const wait = Math.min(15_000, 500 * 2 ** failures++) * (0.8 + 0.4 * Math.random());
			set("lost", why, Date.now() + wait);
			await pause(failures === 1 ? 200 : wait);
			link.value = { ...link.peek(), next: 0 };
		}
	}
}

const silentAfter = 40_000; // the daemon sends a comment every 15 s
const hiddenAfter = 120_000;
let hiddenSince = 0;

export function begin() {
	window.setInterval(() => {
		if (document.hidden) {
			if (hiddenSince && Date.now() - hiddenSince > hiddenAfter && link.peek().state === "live") abort?.abort("hidden");
		} else now.value = Date.now();
		if (link.peek().state === "live" && Date.now() - heardAt > silentAfter) abort?.abort("silent");
	}, 1000);
	document.addEventListener("visibilitychange", () => {
		hiddenSince = document.hidden ? Date.now() : 0;
		if (document.hidden) return;
		now.value = Date.now();
		if (link.peek().state !== "live") restart();
		else if (Date.now() - heardAt > silentAfter) abort?.abort("silent");
	});
	window.addEventListener("online", restart);
	void run();
}
