// Interfaces, locks, ports, recovery and plugins: a table each, with what can be done.
import { useEffect, useState } from "preact/hooks";
import { call, get, post } from "../api";
import { known, span, unixMs } from "../format";
import { Age, Card, Do, Empty, Missing, State, Table, at, tell, why, type Column } from "../parts";
import { listen, now, onOpen, topic } from "../store";
import { t } from "../texts";
import { isRunning } from "./now";

const name = (s: string) => encodeURIComponent(s);

/// A list that is asked for: at first, when the link is back, and when something tells that it has changed.
export function useAsked<T>(path: string, changes: unknown): { data: T | null; at: number | undefined; failed: string; again: () => void } {
	const [state, set] = useState<{ data: T | null; at: number | undefined; failed: string }>({ data: null, at: undefined, failed: "" });
	const [n, redo] = useState(0);
	useEffect(() => {
		let alive = true;
		const timer = setTimeout(() => get(path, 15_000).then((data) => alive && set({ data, at: Date.now(), failed: "" }), (e) => alive && set((s) => ({ ...s, failed: why(e) }))), 60);
		return () => ((alive = false), clearTimeout(timer));
	}, [path, changes, n]);
	useEffect(() => onOpen(() => redo((x) => x + 1)), []);
	return { ...state, again: () => redo((x) => x + 1) };
}

// ---- interfaces ---------------------------------------------------------------------------------------------------------

export function Interfaces() {
	const v = topic("netif/summary").value;
	const [taking, take] = useState<any>(null);
	const [told, tellMore] = useState<any[]>([]);
	useEffect(() => listen("netif/incident", (i) => tellMore((list) => [{ ...i, at: Date.now() }, ...list].slice(0, 50))), []);
	if (!v) return <Missing plugin="netif" running={isRunning("netif")} />;
	const c = t.interfaces.cols;
	const columns: Column<any>[] = [
		{ key: "name", name: c.name, cell: (i) => <strong>{i.name}</strong>, sort: (i) => i.name },
		{ key: "kind", name: c.kind, cell: (i) => i.kind ?? t.none, sort: (i) => i.kind ?? "" },
		{ key: "state", name: c.state, cell: (i) => (i.rfkill?.soft || i.rfkill?.hard ? <State of="down" text={t.interfaces.rfkill} /> : <State of={i.state} tone={i.state === "up" ? "good" : "dim"} />), sort: (i) => i.state },
		{ key: "mode", name: c.mode, cell: (i) => i.mode ?? t.none, sort: (i) => i.mode ?? "" },
		{ key: "channel", name: c.channel, cell: (i) => (i.channel ? `${i.channel}${i.frequency ? ` · ${i.frequency} MHz` : ""}` : t.none), sort: (i) => Number(i.channel) || 0 },
		{ key: "signal", name: c.signal, cell: (i) => [i.ssid, known(i.signal) && `${i.signal} dBm`].filter(Boolean).join(" · ") || t.none },
		{ key: "addresses", name: c.addresses, cell: (i) => (i.addresses ?? []).join(", ") || t.none, class: "wide" },
		{ key: "mac", name: c.mac, cell: (i) => <code>{i.mac ?? t.none}</code> },
		{ key: "driver", name: c.driver, cell: (i) => [i.driver, i.phy].filter(Boolean).join(" · ") || t.none },
		{ key: "owner", name: c.owner, cell: (i) => owner(i), sort: (i) => i.owner?.owner ?? "" },
		{ key: "do", name: t.actions, class: "actions", cell: (i) => i.owner ? (
			<Do what={`${t.do.release} ${i.name}`} sure on={() => post(`interfaces/${name(i.name)}/release`, { owner: i.owner.owner })}>{t.do.release}</Do>
		) : i.kind !== "loopback" ? (
			<button class="do" aria-label={t.interfaces.take(i.name)} onClick={() => take(i)}>{t.do.acquire}</button>
		) : null },
	];
	return (
		<div class="view">
			<Card title={t.views.interfaces} at={v.at} since>
				<Table rows={[...v.value.interfaces].sort((a, b) => rank(a) - rank(b))} columns={columns} id={(i) => i.name} label={t.views.interfaces} empty={t.none} />
			</Card>
			{told.length > 0 && (
				<Card title={t.interfaces.incidents}>
					<ul class="lines">{told.map((i) => <li key={i.at}>{at(i.at)} <strong>{i.class}</strong> {i.message}</li>)}</ul>
				</Card>
			)}
			{taking && <Take of={taking} close={() => take(null)} />}
		</div>
	);
}

/// What one looks for first: what is owned, then radios, then the rest, loopback last.
const rank = (i: any) => (i.owner ? 0 : i.kind === "wireless" ? 1 : i.kind === "loopback" ? 4 : i.state === "up" ? 2 : 3);

function owner(i: any) {
	if (!i.owner) return t.now.free;
	const o = i.owner;
	const expires = unixMs(o.expires);
	return (
		<>
			<State of={o.state ?? "held"} text={o.owner} /> <Age at={unixMs(o.since)} since />
			{Number.isFinite(expires) && <span class="dim"> {t.interfaces.expires} {span(expires - now.value)}</span>}
			{o.problem && <p class="bad">{o.problem}</p>}
		</>
	);
}

function Take({ of: i, close }: { of: any; close: () => void }) {
	const [busy, setBusy] = useState(false);
	async function submit(e: SubmitEvent) {
		e.preventDefault();
		const f = new FormData(e.currentTarget as HTMLFormElement);
		const body: any = { owner: String(f.get("owner")) };
		if (f.get("mode")) body.mode = f.get("mode");
		if (f.get("channel")) body.channel = Number(f.get("channel"));
		setBusy(true);
		try {
			await post(`interfaces/${name(i.name)}/acquire`, body);
			tell(t.done(t.interfaces.take(i.name)));
			close();
		} catch (e) {
			tell(t.failed(t.interfaces.take(i.name), why(e)), "bad");
		}
		setBusy(false);
	}
	return (
		<div class="veil" onClick={close}>
			<div role="dialog" aria-modal="true" aria-labelledby="take-title" onClick={(e) => e.stopPropagation()} onKeyDown={(e) => e.key === "Escape" && close()}>
			<form class="dialog" onSubmit={submit}>
				<h2 id="take-title">{t.interfaces.take(i.name)}</h2>
				<label>{t.interfaces.owner} <input name="owner" required maxLength={64} defaultValue="dashboard" ref={(x) => x?.focus()} /></label>
				{(i.modes ?? []).length > 0 && (
					<>
						<label>{t.interfaces.mode}{" "}
							<select name="mode"><option value="">{t.interfaces.asIs}</option>{["monitor", "managed"].filter((m) => i.modes.includes(m)).map((m) => <option key={m}>{m}</option>)}</select>
						</label>
						<label>{t.interfaces.channel} <input name="channel" inputMode="numeric" pattern="[0-9]*" maxLength={5} /></label>
					</>
				)}
				<div class="buttons"><button class="first" disabled={busy}>{busy ? t.working : t.do.acquire}</button><button type="button" onClick={close}>{t.cancel}</button></div>
			</form>
			</div>
		</div>
	);
}

// ---- locks --------------------------------------------------------------------------------------------------------------

export function Locks() {
	const changed = topic("locks/summary").value?.seq;
	const [told, tellMore] = useState<any[]>([]);
	const [n, again] = useState(0);
	useEffect(() => listen("locks/changes", (c) => (again((x) => x + 1), tellMore((list) => [{ ...c, at: Date.now() }, ...list].slice(0, 50)))), []);
	const asked = useAsked<any>("locks", `${changed} ${n}`);
	if (!asked.data) return asked.failed ? <Empty>{asked.failed}</Empty> : <Missing plugin="locks" running={isRunning("locks")} />;
	const c = t.locks.cols;
	const columns: Column<any>[] = [
		{ key: "name", name: c.name, cell: (l) => <strong>{l.name}</strong>, sort: (l) => l.name, class: "wide" },
		{ key: "owner", name: c.owner, cell: (l) => l.owner, sort: (l) => l.owner },
		{ key: "since", name: c.since, cell: (l) => <Age at={unixMs(l.since)} since />, sort: (l) => unixMs(l.since) },
		{ key: "expires", name: c.expires, cell: (l) => (known(l.expires_in_ms) ? span(Math.max(0, l.expires_in_ms - (now.value - (asked.at ?? 0)))) : t.locks.connection), sort: (l) => l.expires_in_ms ?? 1e15 },
		{ key: "waiting", name: c.waiting, cell: (l) => (l.waiting?.length ? l.waiting.map((w: any) => w.owner).join(", ") : t.none), sort: (l) => l.waiting?.length ?? 0 },
		{ key: "do", name: t.actions, class: "actions", cell: (l) => (l.name.startsWith("file:")
			? <Do what={`${t.do.release} ${l.name}`} sure on={() => call("locks.file.release", { path: l.name.slice(5), token: l.token }).then(asked.again)}>{t.do.release}</Do>
			: <Do what={`${t.do.release} ${l.name}`} sure on={() => post(`locks/${name(l.name)}/release`, { token: l.token }).then(asked.again)}>{t.do.release}</Do>) },
	];
	return (
		<div class="view">
			<Card title={t.views.locks} at={asked.at}>
				<Table rows={asked.data.locks} columns={columns} id={(l) => l.name} label={t.views.locks} empty={t.locks.none} />
			</Card>
			{told.length > 0 && <Card title={t.locks.changes}><ul class="lines">{told.map((x) => <li key={`${x.at}${x.token}${x.event}`}>{at(x.at)} <strong>{x.event}</strong> {x.name} · {x.owner}</li>)}</ul></Card>}
		</div>
	);
}

// ---- ports --------------------------------------------------------------------------------------------------------------

export function Ports() {
	const v = topic("ports/table").value;
	if (!v) return <Missing plugin="ports" running={isRunning("ports")} />;
	const c = t.ports.cols;
	const columns: Column<any>[] = [
		{ key: "name", name: c.name, cell: (p) => <strong>{p.name}</strong>, sort: (p) => p.name },
		{ key: "port", name: c.port, cell: (p) => `${p.port}/${p.protocol}`, sort: (p) => p.port },
		{ key: "expected", name: c.expected, cell: (p) => p.expected || t.ports.anybody, sort: (p) => p.expected },
		{ key: "state", name: c.state, cell: (p) => <State of={p.state} />, sort: (p) => p.state },
		{ key: "holder", name: c.holder, class: "wide", cell: (p) => (p.holders?.length ? p.holders.map((h: any) => <p key={`${h.pid}${h.address}`}>{[h.command, h.pid && `PID ${h.pid}`, h.address, h.container].filter(Boolean).join(" · ")}</p>) : t.none) },
		{ key: "message", name: "", class: "wide", cell: (p) => (p.state === "conflict" ? <span class="bad">{p.message}</span> : null) },
	];
	return (
		<div class="view">
			<Card title={t.views.ports} at={v.at} since>
				<div class="toolbar"><Do what={t.ports.scan} on={() => call("ports.list")}>{t.ports.scan}</Do></div>
				<Table rows={v.value.ports} columns={columns} id={(p) => `${p.name}${p.port}`} label={t.views.ports} empty={t.none} />
			</Card>
		</div>
	);
}

// ---- recovery -----------------------------------------------------------------------------------------------------------

export function Recovery() {
	const v = topic("recovery/incidents").value;
	if (!v) return <Missing plugin="recovery" running={isRunning("recovery")} />;
	const all: any[] = v.value.incidents ?? [];
	const lasts = all.filter((i) => i.state !== "recovered" && !i.ended);
	return (
		<div class="view">
			<Card title={t.views.recovery} at={v.at} since>
				{!all.length && <Empty>{t.recovery.none}</Empty>}
				<ul class="incidents">{[...lasts, ...all.filter((i) => !lasts.includes(i))].map((i) => <Incident key={i.id} i={i} lasts={lasts.includes(i)} />)}</ul>
			</Card>
		</div>
	);
}

function Incident({ i, lasts }: { i: any; lasts: boolean }) {
	const next = unixMs(i.next_attempt);
	return (
		<li class={lasts ? "lasts" : ""} data-incident={i.class}>
			<div class="what">
				<State of={i.state} /> <strong>{i.class}</strong> <code>{i.topic}</code> <Age at={unixMs(i.since)} since={lasts} /> {lasts && Number.isFinite(next) && next > now.value && <span class="dim">{t.recovery.next(span(next - now.value))}</span>}
				{i.reason && <p>{i.reason}</p>}
				{i.outcome && <p class="dim">{i.outcome}</p>}
				{lasts && i.advice && <p><strong>{t.recovery.advice}:</strong> {i.advice}</p>}
				{i.attempts?.length > 0 && <ol class="attempts">{i.attempts.slice(-5).map((a: any, k: number) => <li key={k}>{at(unixMs(a.time))} <code>{a.call}</code> {a.result}</li>)}</ol>}
			</div>
			{lasts && (
				<div class="buttons">
					<Do what={`${t.do.run} ${i.class}`} kind="first" on={() => call("recovery.run", { id: i.id })}>{t.do.run}</Do>
					<Do what={`${t.do.acknowledge} ${i.class}`} on={() => call("recovery.acknowledge", { id: i.id })}>{t.do.acknowledge}</Do>
				</div>
			)}
		</li>
	);
}

// ---- plugins ------------------------------------------------------------------------------------------------------------

export function Plugins() {
	const v = topic("core/plugins").value;
	const asked = useAsked<any>("plugins", v?.seq);
	const list: any[] = v?.value.plugins ?? asked.data?.plugins ?? [];
	const more = new Map<string, any>((asked.data?.plugins ?? []).map((p: any) => [p.name, p]));
	const config = v?.value.config ?? asked.data?.config;
	const http = topic("core/http").value?.value;
	const c = t.plugins.cols;
	const columns: Column<any>[] = [
		{ key: "name", name: c.name, cell: (p) => <strong>{p.name}</strong>, sort: (p) => p.name },
		{ key: "version", name: c.version, cell: (p) => p.version || t.none, sort: (p) => p.version ?? "" },
		{ key: "state", name: c.state, cell: (p) => <><State of={p.state} />{p.reason && <p class={p.state === "failed" ? "bad" : "dim"}>{p.reason}</p>}</>, sort: (p) => p.state, class: "wide" },
		{ key: "needs", name: c.needs, cell: (p) => (p.needs ?? []).join(", ") || t.none },
		{ key: "scope", name: c.scope, cell: (p) => (more.get(p.name)?.scope ? t.plugins.scope(more.get(p.name).scope) : t.none), class: "dim" },
		{ key: "cpu", name: c.cpu, cell: (p) => (known(more.get(p.name)?.cpu_ms) ? `${more.get(p.name).cpu_ms.toFixed(0)} ms` : t.none), sort: (p) => more.get(p.name)?.cpu_ms ?? 0 },
		{ key: "do", name: t.actions, class: "actions", cell: (p) => (
			<>
				{p.state === "disabled" || p.state === "failed"
					? <Do what={`${t.do.enable} ${p.name}`} kind="first" on={() => post(`plugins/${name(p.name)}/enable`)}>{t.do.enable}</Do>
					: <Do what={`${t.do.disable} ${p.name}`} sure on={() => post(`plugins/${name(p.name)}/disable`)}>{t.do.disable}</Do>}
				<Do what={`${t.do.reload} ${p.name}`} on={() => post(`plugins/${name(p.name)}/reload`)}>{t.do.reload}</Do>
			</>
		) },
	];
	if (!list.length) return <Empty>{asked.failed || t.loading}</Empty>;
	return (
		<div class="view">
			<Card title={t.views.plugins} at={v?.at ?? asked.at} since>
				<Table rows={list} columns={columns} id={(p) => p.name} label={t.views.plugins} empty={t.none} />
				<p class="dim">{t.plugins.drop}</p>
			</Card>
			{config && (
				<Card title={t.plugins.config} at={v?.at} since>
					<p><State of={config.ok ? "ok" : "failed"} text={config.ok ? t.plugins.good : t.plugins.bad} /> <code>{config.file ?? t.plugins.noFile}</code></p>
					{config.error && <p class="bad">{config.error}</p>}
					{http?.warnings?.length > 0 && <ul class="lines">{http.warnings.map((w: any) => <li key={String(w)}>{String(w)}</li>)}</ul>}
				</Card>
			)}
		</div>
	);
}
