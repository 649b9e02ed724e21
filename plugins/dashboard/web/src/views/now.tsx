// Now: what is wrong, then where we are, what the sky, Kismet, the processes, the interfaces and the machine do.
import { post } from "../api";
import { bytes, course, fixed, known, latitude, longitude, percent, span, unixMs, utc, whole } from "../format";
import { Bar, Card, Do, Empty, Field, Missing, State, tell, type Tone } from "../parts";
import { now, topic, under, value } from "../store";
import { t } from "../texts";
import { WrongList } from "../wrong";
import { Signals, Sky } from "./sky";

export const isRunning = (plugin: string) => (value("core/plugins")?.plugins ?? []).some((p: any) => p.name === plugin && p.state === "running");

function Position() {
	const v = topic("gps/fix").value;
	const fix = v?.value;
	const link = value("gps/link");
	const title = t.now.position;
	if (!fix) return <Card title={title} at={v?.at} class="position">{link ? <State of={link.state} /> : <Missing plugin="gpsd" running={isRunning("gpsd")} />}</Card>;
	const has = fix.mode >= 2;
	const text = has ? `${fix.lat.toFixed(6)}, ${fix.lon.toFixed(6)}` : "";
	const quality: Tone = !has ? "bad" : link?.stale ? "warn" : "good";
	return (
		<Card title={title} at={v.at} class={`position${link?.stale ? " stale" : ""}`} link="#/map">
			<div class="fixline">
				<State of="fix" tone={quality} text={t.now.modes[fix.mode] ?? t.none} /> {t.now.status[fix.status] && <span class="chip">{t.now.status[fix.status]}</span>}
				{has && (
					<button class="quiet" onClick={() => navigator.clipboard?.writeText(text).then(() => tell(t.now.copied), () => undefined)}>
						{t.now.copy}
					</button>
				)}
			</div>
			<p class="big" data-lat={fix.lat} data-lon={fix.lon}>
				<span>{latitude(fix.lat)}</span> <span>{longitude(fix.lon)}</span>
			</p>
			<dl class="fields">
				<Field name={t.now.speed}>{fixed(known(fix.speed) ? fix.speed * 3.6 : null, 1, t.fixUnits.kmh)}</Field>
				<Field name={t.now.track}>{course(fix.track)}</Field>
				<Field name={t.now.alt}>{fixed(fix.altMSL ?? fix.altHAE, 0, t.fixUnits.m)}</Field>
				<Field name={t.now.error}>{known(fix.eph) ? `± ${fixed(fix.eph, 1, t.fixUnits.m)}` : t.none}</Field>
				<Field name={t.now.hdop}>{fixed(value("gps/sky")?.hdop, 1)}</Field>
				<Field name={t.now.time}>{utc(unixMs(fix.time))}</Field>
			</dl>
		</Card>
	);
}

function SkyCard() {
	const v = topic("gps/sky").value;
	const sky = v?.value;
	const satellites = sky?.satellites ?? [];
	return (
		<Card title={t.now.sky} at={v?.at} since class="skycard">
			{sky ? (
				<>
					<div class="skybox">
						<Sky satellites={satellites} used={sky.uSat ?? 0} seen={sky.nSat ?? 0} />
						<Signals satellites={satellites} />
					</div>
					<p class="dim">{t.now.used(sky.uSat ?? 0, sky.nSat ?? 0)}</p>
				</>
			) : (
				<Empty>{t.now.noSky}</Empty>
			)}
		</Card>
	);
}

function KismetCard() {
	const link = topic("kismet/link").value;
	const s = topic("kismet/summary").value;
	const csv = value("csv/file");
	const alerts: any[] = value("kismet/alerts")?.alerts ?? [];
	if (!link) return <Card title={t.now.kismet} class="kismet"><Missing plugin="kismet" running={isRunning("kismet")} /></Card>;
	return (
		<Card title={t.now.kismet} at={s?.at ?? link.at} class="kismet" link="#/devices">
			<div class="fixline">
				<State of={link.value.state} /> {link.value.version && <span class="chip">{link.value.version}</span>} {link.value.server_name && <span class="chip" title={link.value.url}>{link.value.server_name}</span>}
			</div>
			<dl class="fields big">
				<Field name={t.now.devices}>{whole(s?.value.devices)}</Field>
				<Field name={t.now.networks}>{whole(s?.value.networks)}</Field>
				<Field name={t.now.alerts}>{whole(s?.value.alerts)}</Field>
				<Field name={t.now.packets}>{fixed(s?.value.packets_per_second, 0)}</Field>
			</dl>
			{(s?.value.sources ?? []).map((x: any) => (
				<p key={x.name + x.interface} class="line">
					<State of={x.running ? "running" : "stopped"} text={x.name} /> <span class="dim">{[x.interface, x.channel, x.error].filter(Boolean).join(" · ")}</span>
				</p>
			))}
			{csv?.path && (
				<p class="line">
					<State of="csv" tone={csv.reason ? "warn" : "good"} text={csv.name ?? csv.path} /> <span class="dim">{[`${whole(csv.rows)} ${t.now.rows}`, csv.rejected > 0 && `${whole(csv.rejected)} ${t.now.rejected}`, csv.reason].filter(Boolean).join(" · ")}</span>
				</p>
			)}
			{alerts.slice(0, 3).map((a) => (
				<p key={a.id} class="line alert">
					<State of={a.severity} tone={a.severity === "critical" || a.severity === "high" ? "bad" : "warn"} text={a.type} /> <span class="dim">{a.message}</span>
				</p>
			))}
		</Card>
	);
}

function ProcessesCard() {
	const summary = topic("procs/summary").value;
	const names = under("procs/").filter((n) => n !== "procs/summary");
	return (
		<Card title={t.now.processes} at={summary?.at} since class="procs" link="#/processes">
			{!summary ? <Missing plugin="procs" running={isRunning("procs")} /> : !names.length && <Empty>{t.now.noProcs}</Empty>}
			<ul class="rows">
				{names.map((n) => {
					const p = value(n);
					if (!p) return null;
					const runs = ["starting", "running", "ready"].includes(p.state);
					return (
						<li key={n} data-process={p.name}>
							<a class="name" href={`#/processes/${encodeURIComponent(p.name)}`}>{p.name}</a>
							<State of={p.state} />
							<span class="dim">{runs && known(unixMs(p.since)) ? span(now.value - unixMs(p.since)) : ""}</span>
							{runs ? (
								<Do what={`${t.do.stop} ${p.name}`} sure on={() => post(`procs/${encodeURIComponent(p.name)}/stop`)}>{t.do.stop}</Do>
							) : (
								<Do what={`${t.do.start} ${p.name}`} kind="first" on={() => post(`procs/${encodeURIComponent(p.name)}/start`)}>{t.do.start}</Do>
							)}
						</li>
					);
				})}
			</ul>
		</Card>
	);
}

function InterfacesCard() {
	const v = topic("netif/summary").value;
	const list: any[] = v?.value?.interfaces ?? [];
	const shown = list.filter((i) => i.kind !== "loopback").sort((a, b) => Number(b.kind === "wireless") - Number(a.kind === "wireless") || Number(!!b.owner) - Number(!!a.owner)).slice(0, 6);
	return (
		<Card title={t.now.interfaces} at={v?.at} since class="netif" link="#/interfaces">
			{!v && <Missing plugin="netif" running={isRunning("netif")} />}
			<ul class="rows">
				{shown.map((i) => (
					<li key={i.name}>
						<span class="name">{i.name}</span>
						<State of={i.state} tone={i.state === "up" ? "good" : "dim"} />
						<span class="dim">{[i.mode, i.channel && `ch ${i.channel}`, i.ssid, !i.mode && i.addresses?.[0]].filter(Boolean).join(" · ")}</span>
						{i.owner ? <State of={i.owner.state ?? "held"} text={t.now.ownedBy(i.owner.owner)} /> : <span />}
					</li>
				))}
			</ul>
		</Card>
	);
}

const level = (v: number, warn: number, bad: number): Tone => (v >= bad ? "bad" : v >= warn ? "warn" : "good");
function MachineCard() {
	const v = topic("dashboard/sample").value;
	const s = v?.value;
	const host = value("dashboard/host");
	if (!s) return <Card title={t.now.system} class="machine"><Empty>{t.loading}</Empty></Card>;
	return (
		<Card title={t.now.system} at={v.at} class="machine" link="#/plots">
			<dl class="gauges">
				<Gauge name={t.now.disk} share={s.disk_percent} tone={level(s.disk_percent, 90, 97)} text={t.now.left(bytes(s.disk_free), bytes(s.disk_total))} />
				<Gauge name={t.now.memory} share={s.memory_percent} tone={level(s.memory_percent, 85, 95)} text={t.now.left(bytes(s.memory_available), bytes(s.memory_total))} />
				<Gauge name={t.now.cpu} share={s.cpu_percent} tone={level(s.cpu_percent, 80, 95)} text={`${percent(s.cpu_percent)} · ${t.now.load} ${fixed(s.load, 2)}`} />
			</dl>
			<dl class="fields">
				{known(s.temperature_c) && <Field name={t.now.heat}>{fixed(s.temperature_c, 0, "°C")}</Field>}
				<Field name={t.now.uptime}>{span(s.uptime * 1000)}</Field>
				<Field name={t.now.daemon}>{bytes(s.daemon_bytes)}, {fixed(s.daemon_cpu_percent, 1, "%")}</Field>
				<Field name={t.now.lag}>{fixed(s.loop_lag_ms, 2, "ms")}</Field>
			</dl>
			{host && <p class="dim">{host.name} · Patchbay {host.version}</p>}
		</Card>
	);
}
function Gauge({ name, share, tone, text }: { name: string; share: number | null; tone: Tone; text: string }) {
	return (
		<div class="gauge">
			<dt>{name}</dt>
			<dd>
				<Bar share={share ?? 0} tone={tone} label={name} />
				<span class="dim">{text}</span>
			</dd>
		</div>
	);
}

export function Now() {
	return (
		<div class="view now">
			<WrongList />
			<div class="cards">
				<Position />
				<SkyCard />
				<KismetCard />
				<ProcessesCard />
				<MachineCard />
				<InterfacesCard />
			</div>
		</div>
	);
}
