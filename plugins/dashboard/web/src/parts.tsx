// The pieces that all views are made of: ages, states, cards, buttons that do something, messages.
import { signal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useRef, useState } from "preact/hooks";
import { ApiError } from "./api";
import { clock, dateTime, span, state } from "./format";
import { Icon } from "./icons";
import { now } from "./store";
import { t } from "./texts";

/// How old a value is. Only this text changes with the clock.
export function Age({ at, since = false }: { at: number | undefined; since?: boolean }) {
	if (at === undefined || !Number.isFinite(at)) return <span class="age">{t.age.never}</span>;
	const ms = now.value - at;
	const text = since ? t.age.since(span(ms)) : ms < 1500 ? t.age.now : t.age.ago(span(ms));
	return (
		<time class={`age${!since && ms > 10_000 ? " old" : ""}`} dateTime={new Date(at).toISOString()} title={t.age.title(dateTime(at))}>
			{text}
		</time>
	);
}

export type Tone = "good" | "warn" | "bad" | "dim" | "plain";
const tones: Record<string, Tone> = {
	up: "good", ready: "good", running: "good", ok: "good", held: "good", recovered: "good", live: "good",
	starting: "warn", connecting: "warn", silent: "warn", stopping: "warn", unhealthy: "warn", waiting: "warn", acquiring: "warn", switching: "warn", releasing: "warn", recovering: "warn", paused: "warn", warn: "warn",
	failed: "bad", down: "bad", conflict: "bad", unauthorized: "bad", stuck: "bad", open: "bad", "given up": "bad", lost: "bad", error: "bad", token: "bad",
};
export const toneOf = (s: string): Tone => tones[s] ?? "dim";
/// A state is told by word and by shape, never by colour alone.
const marks: Record<Tone, ComponentChildren> = {
	good: <circle cx="6" cy="6" r="4.5" />, warn: <><path d="M6 1.500a4.500 4.500 0 0 0 0 9z" /><circle cx="6" cy="6" r="4" class="ring" /></>, bad: <path d="M6 1 11.500 11H.5z" />, dim: <circle cx="6" cy="6" r="4" class="ring" />, plain: null,
};
export const Mark = ({ tone }: { tone: Tone }) => <svg class={`mark ${tone}`} viewBox="0 0 12 12" aria-hidden="true">{marks[tone]}</svg>;
export const State = ({ of, tone, text }: { of: string; tone?: Tone; text?: string }) => (
	<span class={`state ${tone ?? toneOf(of)}`}>
		<Mark tone={tone ?? toneOf(of)} />
		{text ?? state(of)}
	</span>
);

export function Card({ title, at, since, children, class: cls = "", link }: { title: string; at?: number; since?: boolean; children: ComponentChildren; class?: string; link?: string }) {
	return (
		<section class={`card ${cls}`} aria-label={title}>
			<header>
				<h2>{link ? <a href={link}>{title}</a> : title}</h2>
				<Age at={at} since={since} />
			</header>
			{children}
		</section>
	);
}

export const Field = ({ name, children, title }: { name: string; children: ComponentChildren; title?: string }) => (
	<div class="field" title={title}>
		<dt>{name}</dt>
		<dd>{children}</dd>
	</div>
);

export const Bar = ({ share, tone, label }: { share: number; tone: Tone; label: string }) => (
	<div class={`bar ${tone}`} role="meter" aria-label={label} aria-valuemin={0} aria-valuemax={100} aria-valuenow={Math.round(share)}>
		<i style={{ width: `${Math.min(100, Math.max(0, share))}%` }} />
	</div>
);

// ---- messages -----------------------------------------------------------------------------------------------------------

interface Message {
	id: number;
	text: string;
	tone: Tone;
}
const messages = signal<Message[]>([]);
let lastMessage = 0;
export function tell(text: string, tone: Tone = "good") {
	const id = ++lastMessage;
	messages.value = [...messages.value.slice(-3), { id, text, tone }];
	setTimeout(() => drop(id), tone === "bad" ? 12_000 : 4_000);
}
const drop = (id: number) => (messages.value = messages.value.filter((m) => m.id !== id));
export const Messages = () => (
	<div class="messages" role="status" aria-live="polite">
		{messages.value.map((m) => (
			<button key={m.id} class={`message ${m.tone}`} onClick={() => drop(m.id)} title={t.close}>
				<Mark tone={m.tone} /> {m.text}
			</button>
		))}
	</div>
);

// ---- doing --------------------------------------------------------------------------------------------------------------

export const why = (e: unknown) => (e instanceof ApiError || e instanceof Error ? e.message : String(e));

/// A button that does something in the daemon: busy while it lasts, says how it ended. sure: a second press within 3 s is asked for.
export function Do({ what, on, children, sure = false, kind = "", label }: { what: string; on: () => Promise<unknown>; children: ComponentChildren; sure?: boolean; kind?: string; label?: string }) {
	const [busy, setBusy] = useState(false);
	const [asked, setAsked] = useState(false);
	const timer = useRef(0);
	async function press(e: MouseEvent) {
		e.stopPropagation();
		if (busy) return;
		if (sure && !asked) {
			setAsked(true);
			timer.current = window.setTimeout(() => setAsked(false), 3000);
			return;
		}
		clearTimeout(timer.current);
		setAsked(false);
		setBusy(true);
		try {
			await on();
			tell(t.done(what));
		} catch (e) {
			tell(t.failed(what, why(e)), "bad");
		} finally {
			setBusy(false);
		}
	}
	return (
		<button class={`do ${kind}${asked ? " asked" : ""}`} aria-busy={busy} aria-label={asked || busy ? undefined : (label ?? what)} disabled={busy} onClick={press}>
			{busy ? t.working : asked ? t.do.sure(String(children)) : children}
		</button>
	);
}

export const Empty = ({ children }: { children: ComponentChildren }) => <p class="empty">{children}</p>;

/// What a view shows while its plugin has told nothing.
export const Missing = ({ plugin, running }: { plugin: string; running: boolean }) => (
	<Empty>
		{running ? t.loading : t.notHere(plugin)} {!running && <a href="#/plugins">{t.openPlugins}</a>}
	</Empty>
);

export function SearchBox({ value, on, label = t.search, placeholder = t.search }: { value: string; on: (v: string) => void; label?: string; placeholder?: string }) {
	return (
		<label class="searchbox">
			<Icon name="search" />
			<input type="search" aria-label={label} placeholder={placeholder} value={value} onInput={(e) => on(e.currentTarget.value)} data-search spellcheck={false} autocomplete="off" maxLength={200} />
		</label>
	);
}

// ---- tables -------------------------------------------------------------------------------------------------------------

export interface Column<R> {
	key: string;
	name: string;
	cell: (row: R) => ComponentChildren;
	sort?: (row: R) => string | number;
	class?: string;
}

/// A table of at most some hundred rows; on a phone each row is a block with the columns' names.
export function Table<R>({ rows, columns, id, label, onRow, empty }: { rows: R[]; columns: Column<R>[]; id: (row: R) => string; label: string; onRow?: (row: R) => void; empty: string }) {
	const [order, setOrder] = useState<{ key: string; down: boolean } | null>(null);
	const by = order && columns.find((c) => c.key === order.key)?.sort;
	const shown = by ? [...rows].sort((a, b) => compare(by(a), by(b)) * (order.down ? -1 : 1)) : rows;
	if (!rows.length) return <Empty>{empty}</Empty>;
	return (
		<div class="tablebox" tabIndex={0} role="region" aria-label={label}>
			<table>
				<thead>
					<tr>
						{columns.map((c) => (
							<th key={c.key} scope="col" class={c.class} aria-sort={order?.key === c.key ? (order.down ? "descending" : "ascending") : undefined}>
								{c.sort ? (
									<button class="sort" onClick={() => setOrder({ key: c.key, down: order?.key === c.key ? !order.down : false })}>
										{c.name}
										<span aria-hidden="true">{order?.key === c.key ? (order.down ? " ↓" : " ↑") : ""}</span>
									</button>
								) : (
									c.name
								)}
							</th>
						))}
					</tr>
				</thead>
				<tbody>
					{shown.map((r) => (
						<tr key={id(r)} data-row={id(r)} onClick={onRow && (() => onRow(r))} class={onRow ? "can" : ""}>
							{columns.map((c) => {
								const content = c.cell(r);
								return (
									<td key={c.key} class={`${c.class ?? ""}${content === t.none ? " none" : ""}`} data-name={c.name}>
										{content}
									</td>
								);
							})}
						</tr>
					))}
				</tbody>
			</table>
		</div>
	);
}
export const compare = (a: string | number, b: string | number) => (typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b), "en", { numeric: true }));

export const at = (ms: number) => <time dateTime={new Date(ms).toISOString()}>{clock(ms)}</time>;
