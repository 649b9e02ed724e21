// Devices with a place as numbers, and clusters of them: a grid at each whole scale, so that 20,000 cost a few milliseconds.
import { table, type Device } from "../devices";
import { toX, toY, worldSize, type Camera } from "./mercator";

export interface Points {
	devices: Device[];
	x: Float64Array;
	y: Float64Array;
	dbm: Float32Array; // -100 where it is not known
}
export interface Cluster {
	x: number;
	y: number;
	count: number;
	one: number; // the strongest of it
	dbm: number;
}

/// Where it was strongest, as far as this page has seen; its last place otherwise.
export const placeOf = (d: Device) => d.best?.place ?? d.location;

export function gather(fits: (d: Device) => boolean): Points {
	const devices: Device[] = [];
	for (const d of table.values()) if (placeOf(d) && fits(d)) devices.push(d);
	const n = devices.length;
	const out: Points = { devices, x: new Float64Array(n), y: new Float64Array(n), dbm: new Float32Array(n) };
	devices.forEach((d, i) => {
		const p = placeOf(d)!;
		out.x[i] = toX(p.lon);
		out.y[i] = toY(p.lat);
		out.dbm[i] = d.signal.max ?? d.signal.last ?? -100;
	});
	return out;
}

const cell = 64; // px
export function cluster(p: Points, level: number): Cluster[] {
	const cells = worldSize(level) / cell;
	const grid = new Map<number, Cluster>();
	for (let i = 0; i < p.devices.length; i++) {
		const key = Math.floor(p.y[i] * cells) * 0x4000000 + Math.floor(p.x[i] * cells);
		const c = grid.get(key);
		if (!c) grid.set(key, { x: p.x[i], y: p.y[i], count: 1, one: i, dbm: p.dbm[i] });
		else {
			c.count++;
			c.x += (p.x[i] - c.x) / c.count;
			c.y += (p.y[i] - c.y) / c.count;
			if (p.dbm[i] > c.dbm) (c.dbm = p.dbm[i]), (c.one = i);
		}
	}
	return [...grid.values()].sort((a, b) => a.count - b.count);
}

/// The devices nearest to a point of the screen, within `reach` pixels; the nearest first.
export function near(p: Points, camera: Camera, x: number, y: number, reach: number): Device[] {
	const r = reach / worldSize(camera.zoom);
	const found: { d: Device; q: number }[] = [];
	for (let i = 0; i < p.devices.length; i++) {
		const dx = p.x[i] - x, dy = p.y[i] - y;
		if (Math.abs(dx) < r && Math.abs(dy) < r && dx * dx + dy * dy < r * r) found.push({ d: p.devices[i], q: dx * dx + dy * dy });
	}
	return found.sort((a, b) => a.q - b.q).map((f) => f.d);
}
