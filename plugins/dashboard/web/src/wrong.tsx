// What is wrong, with what to do and the button that does it; from the same topics that all else is shown from.
import { computed } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { call, post } from "./api";
import { bytes, fixed, percent, unixMs } from "./format";
import { Age, Do, Mark, type Tone } from "./parts";
import { topic, under, value } from "./store";
import { t } from "./texts";

export interface Wrong {
	key: string;
	tone: Tone;
	title: string;
	text?: string;
	at?: number;
	todo?: { name: string; on: () => Promise<unknown>; sure?: boolean }[];
	look?: string;
	topic?: string; // what it was seen in
	advice?: string;
	healing?: string;
}

const processes = () => under("procs/").filter((n) => n !== "procs/summary").map((n) => value(n)).filter(Boolean);
const isKnown = (name: string) => processes().some((p) => p.name === name);
const start = (name: string) => ({ name: `${t.do.start} ${name}`, on: () => post(`procs/${encodeURIComponent(name)}/start`) });

function gps(): Wrong[] {
	const v = topic("gps/link").value;
	const link = v?.value;
	if (!link) return [];
	const since = unixMs(link.since);
	const reconnect = { name: t.do.reconnect, on: () => call("gpsd.reconnect", {}, 30_000) };
	if (link.state === "down" || link.state === "silent") {
		const title = link.state === "down" ? t.wrong.gpsdDown : t.wrong.gpsdSilent;
		return [{ key: "gpsd", topic: "gps/link", tone: "bad", title, text: link.reason ?? undefined, at: since, todo: isKnown("gpsd") && link.state === "down" ? [start("gpsd"), reconnect] : [reconnect], look: "#/processes" }];
	}
	if (link.state !== "up") return [];
	const devices = value("gps/devices");
	if (devices && Array.isArray(devices) && !devices.length) return [{ key: "gps-device", tone: "bad", title: t.wrong.gpsdNoDevice, text: t.wrong.gpsdNoDeviceDo, at: topic("gps/devices").value?.at }];
	if (link.stale) return [{ key: "gps-stale", tone: "bad", title: t.wrong.stale, text: link.reason ?? undefined, at: topic("gps/fix").value?.at, todo: [reconnect] }];
	const fix = topic("gps/fix").value;
	const sky = value("gps/sky");
	if (fix && !(fix.value?.mode >= 2)) return [{ key: "gps-fix", tone: "warn", title: t.wrong.noFix, text: t.wrong.noFixDo(sky?.uSat ?? 0, sky?.nSat ?? 0), at: fix.at }];
	return [];
}

function kismet(): Wrong[] {
	const link = value("kismet/link");
	if (!link || link.state === "up" || !t.wrong.kismet[link.state]) return [];
	const ask = { name: t.do.refresh, on: () => call("kismet.refresh", {}, 60_000) };
	const canStart = link.state === "down" && isKnown("kismet");
	return [{
		key: "kismet", topic: "kismet/link", tone: link.state === "starting" ? "warn" : "bad", title: t.wrong.kismet[link.state], text: [link.reason, link.hint].filter(Boolean).join(". "), at: unixMs(link.since),
		todo: link.state === "starting" ? [] : canStart ? [start("kismet"), ask] : [ask], look: "#/processes",
	}];
}

function procs(): Wrong[] {
	return processes().filter((p) => p.state === "failed").map((p) => ({ key: `proc-${p.name}`, topic: `procs/${p.name}`, tone: "bad", title: t.wrong.process(p.name), text: p.reason, at: unixMs(p.since), todo: [start(p.name)], look: `#/processes/${encodeURIComponent(p.name)}` }));
}

function incidents(): Wrong[] {
	const all: any[] = value("recovery/incidents")?.incidents ?? [];
	return all.filter((i) => i.state !== "recovered" && !i.acknowledged).map((i) => ({
		key: `incident-${i.id}`, tone: i.state === "recovering" ? "warn" : "bad", title: i.state === "given up" ? t.wrong.incidentGivenUp(i.class) : t.wrong.incident(i.class),
		text: [i.reason, i.advice].filter(Boolean).join(". "), at: unixMs(i.since), look: "#/recovery", topic: i.topic, advice: i.advice, healing: i.state === "recovering" ? t.wrong.healing : undefined,
		todo: [{ name: t.do.run, on: () => call("recovery.run", { id: i.id }) }, { name: t.do.acknowledge, on: () => call("recovery.acknowledge", { id: i.id }) }],
	}));
}

function rest(): Wrong[] {
	const out: Wrong[] = [];
	for (const i of value("netif/summary")?.interfaces ?? []) {
		if (!i.owner?.problem) continue;
		out.push({ key: `netif-${i.name}`, tone: "bad", title: t.wrong.owner(i.name), text: i.owner.problem, at: unixMs(i.owner.since), look: "#/interfaces",
			todo: [{ name: t.do.release, on: () => post(`interfaces/${encodeURIComponent(i.name)}/release`, { owner: i.owner.owner }) }] });
	}
	const ports = topic("ports/table").value;
	for (const p of ports?.value?.ports ?? []) if (p.state === "conflict") out.push({ key: `port-${p.name}`, tone: "bad", title: t.wrong.port(p.name), text: p.message, at: ports?.at, look: "#/ports" });
	const plugins = topic("core/plugins").value;
	for (const p of plugins?.value?.plugins ?? []) {
		if (p.state !== "failed") continue;
		out.push({ key: `plugin-${p.name}`, tone: "bad", title: t.wrong.plugin(p.name), text: p.reason, at: plugins?.at, look: "#/plugins",
			todo: [{ name: t.do.reload, on: () => post(`plugins/${encodeURIComponent(p.name)}/reload`) }, { name: t.do.disable, on: () => post(`plugins/${encodeURIComponent(p.name)}/disable`), sure: true }] });
	}
	const config = plugins?.value?.config;
	if (config && !config.ok) out.push({ key: "config", tone: "bad", title: t.wrong.config, text: [config.error, t.wrong.configDo].join(". "), at: plugins?.at });
	const http = topic("core/http").value;
	for (const w of http?.value?.warnings ?? []) out.push({ key: `http-${w}`, tone: "warn", title: t.wrong.http, text: String(w), at: http?.at });
	const sample = topic("dashboard/sample").value;
	const s = sample?.value;
	if (s) {
		const add = (key: string, tone: Tone, title: string, text?: string) => {
			if (!begun.has(key)) begun.set(key, sample.at);
			out.push({ key, tone, title, text, at: begun.get(key), look: "#/plots" });
		};
		if (s.disk_percent >= 90) add("disk", s.disk_percent >= 97 ? "bad" : "warn", t.wrong.disk(percent(s.disk_percent)), t.wrong.diskDo(bytes(s.disk_free)));
		if (s.memory_percent >= 92) add("memory", "warn", t.wrong.memory(percent(s.memory_percent)));
		if (s.temperature_c >= 80) add("heat", "warn", t.wrong.heat(fixed(s.temperature_c, 0, "°C")), t.wrong.heatDo);
		const n = value("dashboard/host")?.processors ?? 1;
		if (s.load >= 3 * n) add("load", "warn", t.wrong.load(fixed(s.load, 1)), t.wrong.loadDo(n));
	}
	for (const key of begun.keys()) if (!out.some((w) => w.key === key)) begun.delete(key);
	return out;
}
/// Since when what a sample tells is so: each sample is new, the heat is not.
const begun = new Map<string, number>();

const rank: Record<Tone, number> = { bad: 0, warn: 1, dim: 2, plain: 2, good: 3 };
/// What a state says already is not said again by its incident: its advice and its buttons go there.
export const wrong = computed<Wrong[]>(() => {
	const all = [...gps(), ...kismet(), ...procs(), ...rest()];
	for (const i of incidents()) {
		const same = all.find((w) => w.topic && w.topic === i.topic);
		if (!same) all.push(i);
		else {
			same.text = [same.text, i.advice, i.healing].filter(Boolean).join(". ");
			same.todo = [...(same.todo ?? []), ...(i.todo ?? []).slice(1)];
			if (i.healing) same.tone = "warn";
		}
	}
	return all.sort((a, b) => rank[a.tone] - rank[b.tone]);
});

export function WrongList() {
	const list = wrong.value;
	if (!list.length)
		return (
			<section class="wrong well" aria-label={t.wrong.title}>
				<Mark tone="good" /> {t.wrong.none}
			</section>
		);
	return (
		<section class="wrong" aria-label={t.wrong.title}>
			<h2>{t.wrong.count(list.length)}</h2>
			<ul>
				{list.map((w) => (
					<WrongItem key={w.key} w={w} />
				))}
			</ul>
		</section>
	);
}

function WrongItem({ w }: { w: Wrong }): ComponentChildren {
	return (
		<li class={w.tone} data-wrong={w.key}>
			<div class="what">
				<strong>
					<Mark tone={w.tone} /> {w.title}
				</strong>{" "}
				<Age at={w.at} since />
				{w.text && <p>{w.text}</p>}
			</div>
			<div class="buttons">
				{w.todo?.map((d, i) => (
					<Do key={d.name} what={d.name} on={d.on} sure={d.sure} kind={i === 0 ? "first" : ""}>
						{d.name}
					</Do>
				))}
				{w.look && (
					<a class="button" href={w.look}>
						{t.do.look}
					</a>
				)}
			</div>
		</li>
	);
}
