// One device: what is known of it, its signal over the last minutes, where it was strongest.
import { lazy, Suspense } from "./lazy";
import { useEffect, useState } from "preact/hooks";
import { get } from "../api";
import { source, table, version, type Device } from "../devices";
import { bytes, clock, dateTime, latitude, longitude, span, unixMs, whole } from "../format";
import { Icon } from "../icons";
import { Age, Card, Empty, Field, why } from "../parts";
import { keys } from "../keys";
import { go } from "../route";
import { now } from "../store";
import { t } from "../texts";
import { Strength } from "./devices";

const SmallMap = lazy(() => import("./map").then((m) => m.SmallMap));

interface Reading {
	at: number;
	dbm: number;
}

export function DevicePage({ mac }: { mac: string }) {
	const [state, set] = useState<{ d: any; at: number; failed: string }>({ d: null, at: NaN, failed: "" });
	const v = version.value;
	void v;
	const live: Device | undefined = table.get(mac);
	useEffect(() => {
		let alive = true;
		const load = () => get(`${source.peek()}/devices/${encodeURIComponent(mac)}`, 10_000).then((d) => alive && set({ d, at: Date.now(), failed: "" }), (e) => alive && set((s) => ({ ...s, failed: why(e) })));
		void load();
		const timer = setInterval(load, 5000);
		const off = keys((k) => (k === "Escape" ? (go("devices"), true) : false));
		return () => ((alive = false), clearInterval(timer), off());
	}, [mac]);
	const d: any = live ?? state.d;
	const readings: Reading[] = (state.d?.history ?? []).filter((h: any) => typeof h.signal === "number" && h.signal !== 0).map((h: any) => ({ at: unixMs(h.time), dbm: h.signal }));
	return (
		<div class="view device">
			<p><a class="button" href="#/devices"><Icon name="back" /> {t.devices.back}</a></p>
			{!d ? <Empty>{state.failed ? `${t.devices.gone} (${state.failed})` : t.loading}</Empty> : (
				<div class="cards">
					<Card title={t.devices.title} at={unixMs(d.lastSeen)}>
						<p class="big"><span>{d.name}</span></p>
						<dl class="fields">
							<Field name={t.devices.cols.mac}><code>{d.mac}</code></Field>
							<Field name={t.devices.cols.type}>{d.type}</Field>
							<Field name={t.devices.cols.manufacturer}>{d.manufacturer}</Field>
							<Field name={t.devices.cols.channel}>{d.channel ?? t.none}</Field>
							<Field name={t.devices.frequency}>{d.frequency ? `${whole(d.frequency / 1000)} MHz` : t.none}</Field>
							<Field name={t.devices.cols.signal}><Strength dbm={d.signal?.last ?? null} /> dBm</Field>
							<Field name={t.devices.strongest}>{d.signal?.max ?? t.none} dBm</Field>
							<Field name={t.devices.weakest}>{d.signal?.min ?? t.none} dBm</Field>
							<Field name={t.devices.cols.packets}>{whole(d.packets)}</Field>
							<Field name={t.devices.cols.data}>{bytes(d.dataBytes)}</Field>
							<Field name={t.devices.cols.firstSeen} title={dateTime(unixMs(d.firstSeen))}>{span(now.value - unixMs(d.firstSeen))}</Field>
							<Field name={t.devices.cols.lastSeen} title={dateTime(unixMs(d.lastSeen))}>{span(now.value - unixMs(d.lastSeen))}</Field>
						</dl>
						{(state.d?.others ?? []).length > 0 && <p class="dim">{t.devices.others}: {state.d.others.map((o: any) => o.type).join(", ")}</p>}
					</Card>
					<Card title={t.devices.history} at={readings.at(-1)?.at ?? state.at}>
						{readings.length > 1 ? <History readings={readings} /> : <Empty>{t.devices.noHistory}</Empty>}
					</Card>
					<Card title={t.devices.cols.place} class="placecard" link={`#/map/${encodeURIComponent(mac)}`}>
						{d.location ? (
							<>
								<p>{latitude(d.location.lat, 5)} {longitude(d.location.lon, 5)} {d.location.accuracy ? `${t.devices.accuracy}${whole(d.location.accuracy)} m` : ""}</p>
								<Suspense fallback={<Empty>{t.loading}</Empty>}><SmallMap lat={d.location.lat} lon={d.location.lon} /></Suspense>
							</>
						) : <Empty>{t.devices.noPlace}</Empty>}
					</Card>
				</div>
			)}
			{state.failed && d && <p class="dim">{state.failed} <Age at={state.at} /></p>}
		</div>
	);
}

function History({ readings }: { readings: Reading[] }) {
	const w = 600, h = 170, left = 34, low = 18;
	const t0 = readings[0].at, t1 = Math.max(t0 + 1000, readings.at(-1)!.at);
	const values = readings.map((r) => r.dbm);
	const max = Math.min(0, Math.ceil((Math.max(...values) + 2) / 10) * 10), min = Math.floor((Math.min(...values) - 2) / 10) * 10;
	const x = (a: number) => left + ((a - t0) / (t1 - t0)) * (w - left - 6);
	const y = (v: number) => 6 + ((max - v) / (max - min)) * (h - low - 12);
	const ticks = [];
	for (let v = max; v >= min; v -= Math.max(10, Math.ceil((max - min) / 40) * 10)) ticks.push(v);
	return (
		<svg class="history" viewBox={`0 0 ${w} ${h}`} role="img" aria-label={`${t.devices.history}: ${Math.min(...values)} – ${Math.max(...values)} dBm`}>
			{ticks.map((v) => <g key={v}><path class="ring" d={`M${left} ${y(v)}H${w}`} /><text x={left - 6} y={y(v) + 4} class="end">{v}</text></g>)}
			<polyline points={readings.map((r) => `${x(r.at).toFixed(1)},${y(r.dbm).toFixed(1)}`).join(" ")} />
			{readings.length < 60 && readings.map((r) => <circle key={r.at} cx={x(r.at)} cy={y(r.dbm)} r="2.5" />)}
			<text x={left} y={h - 3}>{clock(t0)}</text><text x={w} y={h - 3} class="end">{clock(t1)}</text>
		</svg>
	);
}
