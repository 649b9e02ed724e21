// The map: the way driven, the kit, the devices; layers to choose, follow or not.
import { useEffect, useRef, useState } from "preact/hooks";
import { call, get } from "../api";
import { table, use, version, type Device } from "../devices";
import { known, span, whole } from "../format";
import { Icon } from "../icons";
import { keys } from "../keys";
import { gather, placeOf } from "../map/cluster";
import { MapCanvas, type Layers, type TrackPoint } from "../map/canvas";
import { metresPerPixel, type Camera } from "../map/mercator";
import { Age, Do } from "../parts";
import { route } from "../route";
import { listen, now, onOpen, topic, value } from "../store";
import { t } from "../texts";
import { themeSeen } from "../theme";
import { Menu } from "./devices";

interface Kept {
	camera: Camera | null;
	follows: boolean;
	layers: Layers | null;
}
const key = "patchbay-map";
const near = 15.5; // the scale that one begins with: some streets
const kept: Kept = (() => {
	try {
		return { camera: null, follows: true, layers: null, ...JSON.parse(sessionStorage.getItem(key) ?? "{}") };
	} catch {
		return { camera: null, follows: true, layers: null };
	}
})();
function keep(m: MapCanvas) {
	Object.assign(kept, { camera: m.camera, follows: m.follows, layers: m.layers });
	try {
		sessionStorage.setItem(key, JSON.stringify(kept));
	} catch {
		/* then it begins anew next time */
	}
}

function kitOf() {
	const fix = value("gps/fix");
	if (!fix || !(fix.mode >= 2) || !known(fix.lat) || !known(fix.lon)) return null;
	return { lat: fix.lat, lon: fix.lon, track: known(fix.track) && fix.speed > 0.5 ? fix.track : null, error: known(fix.eph) ? fix.eph : null, stale: !!value("gps/link")?.stale };
}

export function MapView() {
	const canvas = useRef<HTMLCanvasElement>(null);
	const map = useRef<MapCanvas | null>(null);
	const [, redraw] = useState(0);
	const [picked, pick] = useState<{ devices: Device[]; x: number; y: number } | null>(null);
	const what = route.value.what;

	useEffect(() => {
		const m = (map.current = new MapCanvas(canvas.current!));
		(canvas.current as any).map = m; // for who looks at it from the console
		if (kept.layers) m.layers = { ...m.layers, ...kept.layers };
		m.follows = kept.follows && !what;
		if (kept.camera) m.camera = kept.camera;
		else {
			const kit = kitOf();
			if (kit) m.look(kit.lat, kit.lon, near);
		}
		m.onMove = () => (redraw((n) => n + 1), keep(m));
		m.onPick = (devices, x, y) => pick(devices.length ? { devices, x, y } : null);
		const ends = [use(), onOpen(() => void loadTrack(m)), listen("gps/fix", (f) => extend(m, f)), () => m.end(),
			keys((k) => {
				if (k === "f") toggle();
				else if (k === "+" || k === "=") m.zoomBy(0.5);
				else if (k === "-") m.zoomBy(-0.5);
				else if (k === "Escape") pick(null);
				else if (k.startsWith("Arrow") && document.activeElement !== canvas.current) return canvas.current!.focus(), canvas.current!.dispatchEvent(new KeyboardEvent("keydown", { key: k })), true;
				else return false;
				return true;
			})];
		void loadTrack(m);
		return () => ends.forEach((f) => f());
	}, []);
	const v = version.value;
	useEffect(() => {
		map.current?.setPoints(gather(() => true));
	}, [v]);
	const d = what ? table.get(what) : undefined;
	const place = d && placeOf(d);
	useEffect(() => {
		const m = map.current!;
		m.marks = place ? [place] : [];
		if (place) m.look(place.lat, place.lon, Math.max(m.camera.zoom, 15));
	}, [what, !!place]);
	const fix = topic("gps/fix").value;
	const hadKit = useRef(false);
	useEffect(() => {
		const m = map.current!, kit = kitOf();
		if (kit && !hadKit.current && !kept.camera && !what) m.look(kit.lat, kit.lon, near);
		hadKit.current ||= !!kit;
		m.setKit(kit);
	}, [fix, value("gps/link")?.stale]);
	useEffect(() => map.current?.readColors(), [themeSeen.value]);
	const tiles = !!value("dashboard/host")?.tiles;
	useEffect(() => {
		map.current!.hasTiles = tiles;
		map.current!.fresh();
	}, [tiles]);

	function toggle() {
		const m = map.current!;
		m.follows = !m.follows;
		const kit = kitOf();
		if (m.follows && kit) m.look(kit.lat, kit.lon, Math.max(m.camera.zoom, 12));
		keep(m);
		redraw((n) => n + 1);
	}
	function layer(name: keyof Layers, on: boolean) {
		const m = map.current!;
		m.layers = { ...m.layers, [name]: on };
		keep(m);
		m.fresh();
		redraw((n) => n + 1);
	}
	const m = map.current;
	const count = m?.points.devices.length ?? 0;
	return (
		<div class="view full mapview">
			<div class="mapbox">
				<canvas ref={canvas} class="map" tabIndex={0} role="application" aria-label={t.map.label} data-follows={m?.follows ?? false} />
				<div class="mapbuttons">
					<button aria-pressed={m?.follows ?? false} onClick={toggle} title={t.map.follow} aria-label={t.map.follow}><Icon name="follow" /></button>
					<button onClick={() => map.current!.zoomBy(1)} title={t.map.in} aria-label={t.map.in}><Icon name="plus" /></button>
					<button onClick={() => map.current!.zoomBy(-1)} title={t.map.out} aria-label={t.map.out}><Icon name="minus" /></button>
					<button onClick={() => (map.current!.follows = false, fitAll(map.current!))} title={t.map.fitAll} aria-label={t.map.fitAll}><Icon name="all" /></button>
				</div>
				<div class="maplayers">
					<Menu name={t.map.layers}>
						{(Object.keys(t.map.layer) as (keyof Layers)[]).filter((l) => l !== "tiles" || tiles).map((l) => (
							<label key={l}><input type="checkbox" checked={m?.layers[l] ?? false} onChange={(e) => layer(l, e.currentTarget.checked)} /> {t.map.layer[l]}</label>
						))}
						<Do what={t.map.clear} sure on={() => call("dashboard.clear_track").then(() => (map.current!.track = [], map.current!.draw()))}>{t.map.clear}</Do>
					</Menu>
				</div>
				<div class="mapfoot">
					<Scale camera={m?.camera} />
					<span>{t.map.status(whole(count))}</span>
					<span>{fix ? <>{t.map.here}: <Age at={fix.at} /></> : t.map.noFix}</span>
					<span class="credit">{t.map.credit}</span>
				</div>
				{picked && <Picked {...picked} close={() => pick(null)} />}
			</div>
		</div>
	);
}

function fitAll(m: MapCanvas) {
	const kit = kitOf();
	m.fit([...m.track, ...m.points.devices.map((d) => placeOf(d)!), ...(kit ? [kit] : [])]);
}

async function loadTrack(m: MapCanvas) {
	try {
		const r = await get("dashboard/track", 30_000);
		m.track = r.points.map(([, lat, lon, begins]: number[]): TrackPoint => ({ lat, lon, begins: !!begins }));
		m.draw();
	} catch {
		/* the live fixes draw it from here on */
	}
}
/// The daemon thins the way; until it is asked again, the page draws on from its own.
function extend(m: MapCanvas, fix: any) {
	if (!(fix?.mode >= 2) || !known(fix.lat) || !known(fix.lon)) return;
	const last = m.track.at(-1);
	if (last && Math.abs(last.lat - fix.lat) + Math.abs(last.lon - fix.lon) < 4e-5) return;
	m.track.push({ lat: fix.lat, lon: fix.lon, begins: !last });
	if (m.track.length > 20_000) m.track.splice(0, 5_000);
}

function Scale({ camera }: { camera?: Camera }) {
	if (!camera) return null;
	const perPixel = metresPerPixel(camera.y, camera.zoom);
	const rough = perPixel * 110;
	const power = 10 ** Math.floor(Math.log10(rough));
	const metres = [5, 2, 1].map((f) => f * power).find((x) => x <= rough) ?? power;
	return <span class="scale" style={{ width: `${Math.round(metres / perPixel)}px` }}>{metres >= 1000 ? `${metres / 1000} km` : `${metres} m`}</span>;
}

function Picked({ devices, x, y, close }: { devices: Device[]; x: number; y: number; close: () => void }) {
	const list = devices.slice(0, 12);
	return (
		<div class="picked" role="dialog" aria-label={t.devices.title} style={{ left: `${x}px`, top: `${y}px` }}>
			<button class="square quiet" onClick={close} aria-label={t.close}><Icon name="close" /></button>
			{devices.length > 1 && <p class="dim">{t.map.cluster(whole(devices.length))}</p>}
			<ul>
				{list.map((d) => (
					<li key={d.mac}><a href={`#/devices/${encodeURIComponent(d.mac)}`}>{d.name}</a> <span class="dim">{[d.type, known(d.signal.last) && `${d.signal.last} dBm`, d.last && span(now.value - d.last)].filter(Boolean).join(" · ")}</span></li>
				))}
			</ul>
			{devices.length > list.length && <p class="dim">{t.map.tooMany(whole(devices.length - list.length))}</p>}
		</div>
	);
}

export function SmallMap({ lat, lon }: { lat: number; lon: number }) {
	const canvas = useRef<HTMLCanvasElement>(null);
	const map = useRef<MapCanvas | null>(null);
	useEffect(() => {
		const m = (map.current = new MapCanvas(canvas.current!));
		return () => m.end();
	}, []);
	useEffect(() => {
		const m = map.current!;
		m.hasTiles = !!value("dashboard/host")?.tiles;
		m.marks = [{ lat, lon }];
		m.look(lat, lon, 14);
	}, [lat, lon]);
	useEffect(() => map.current?.readColors(), [themeSeen.value]);
	return <canvas ref={canvas} class="map small" tabIndex={0} role="application" aria-label={t.map.label} />;
}
