// The base map that comes with the page: read from the compact files of basemap.mjs, drawn with only as many points as can be seen.
import { toX, toY, worldSize, type Camera } from "./mercator";

interface Lines {
	points: Float32Array; // x, y, x, y …
	starts: Uint32Array; // of each line, in points
	boxes: Float32Array; // x0, y0, x1, y1 of each line
}
export interface Shapes {
	land: Lines;
	borders: Lines;
	names: { x: number; y: number; size: number; name: string }[];
}
export interface Place {
	x: number;
	y: number;
	size: number; // log2 of its people
	isCapital: boolean;
	name: string;
}

class Reader {
	at = 0;
	constructor(readonly bytes: Uint8Array) {}
	number(): number {
		let v = 0, factor = 1;
		for (;;) {
			const b = this.bytes[this.at++];
			v += (b & 127) * factor;
			if (b < 128) break;
			factor *= 128;
		}
		return v % 2 ? -(v + 1) / 2 : v / 2;
	}
	text(): string {
		const n = this.number();
		return new TextDecoder().decode(this.bytes.subarray(this.at, (this.at += n)));
	}
	lines(): Lines {
		const count = this.number();
		const points: number[] = [], starts = new Uint32Array(count + 1), boxes = new Float32Array(count * 4);
		for (let l = 0; l < count; l++) {
			starts[l] = points.length;
			const n = this.number();
			let lon = 0, lat = 0, x0 = 9, y0 = 9, x1 = -9, y1 = -9;
			for (let i = 0; i < n; i++) {
				lon += this.number();
				lat += this.number();
				const x = toX(lon / 1e4), y = toY(lat / 1e4);
				points.push(x, y);
				if (x < x0) x0 = x;
				if (x > x1) x1 = x;
				if (y < y0) y0 = y;
				if (y > y1) y1 = y;
			}
			boxes.set([x0, y0, x1, y1], l * 4);
		}
		starts[count] = points.length;
		return { points: Float32Array.from(points), starts, boxes };
	}
}

async function load(url: string): Promise<Reader> {
	const r = await fetch(url);
	if (!r.ok) throw new Error(`${url}: ${r.status}`);
	return new Reader(new Uint8Array(await r.arrayBuffer()));
}
async function shapes(url: string): Promise<Shapes> {
	const r = await load(url);
	const land = r.lines(), borders = r.lines(), names = [];
	for (let n = r.number(); n > 0; n--) names.push({ x: toX(r.number() / 1e4), y: toY(r.number() / 1e4), size: r.number(), name: r.text() });
	return { land, borders, names };
}
async function places(url: string): Promise<Place[]> {
	const r = await load(url);
	const out: Place[] = [];
	for (let n = r.number(); n > 0; n--) {
		const x = toX(r.number() / 1e3), y = toY(r.number() / 1e3), size = r.number();
		out.push({ x, y, size: (size % 1024) / 8, isCapital: size >= 1024, name: r.text() });
	}
	return out;
}

export const base: { coarse?: Shapes; fine?: Shapes; places?: Place[] } = {};
const asked = new Set<string>();
/// Asks for what this scale needs, once; done is called when it has come.
export function need(zoom: number, done: () => void) {
	const ask = <K extends "coarse" | "fine" | "places">(k: K, make: (url: string) => Promise<(typeof base)[K]>) => {
		if (asked.has(k)) return;
		asked.add(k);
		make(BASE_FILES[k]).then((v) => ((base[k] = v), done()), () => setTimeout(() => asked.delete(k), 5000));
	};
	ask("coarse", shapes);
	if (zoom >= 3) ask("places", places);
	if (zoom >= 6.5 && !(navigator as any).connection?.saveData) ask("fine", shapes);
}

/// Draws lines that touch the window; points closer than most of a pixel to the one before are left out.
export function trace(c: CanvasRenderingContext2D, lines: Lines, camera: Camera, width: number, height: number, closed: boolean) {
	const size = worldSize(camera.zoom);
	const x0 = camera.x - width / 2 / size, x1 = camera.x + width / 2 / size, y0 = camera.y - height / 2 / size, y1 = camera.y + height / 2 / size;
	c.beginPath();
	for (let shift = Math.floor(x0); shift <= Math.floor(x1); shift++) {
		const left = x0 - shift, right = x1 - shift;
		for (let l = 0; l + 1 < lines.starts.length; l++) {
			const b = l * 4;
			if (lines.boxes[b] > right || lines.boxes[b + 2] < left || lines.boxes[b + 1] > y1 || lines.boxes[b + 3] < y0) continue;
			if (closed && (lines.boxes[b + 2] - lines.boxes[b]) * size < 0.6 && (lines.boxes[b + 3] - lines.boxes[b + 1]) * size < 0.6) continue;
			const from = lines.starts[l], to = lines.starts[l + 1];
			let lastX = 0, lastY = 0;
			for (let i = from; i < to; i += 2) {
				const x = (lines.points[i] - left) * size, y = (lines.points[i + 1] - y0) * size;
				if (i === from) c.moveTo(x, y);
				else if (Math.abs(x - lastX) < 0.8 && Math.abs(y - lastY) < 0.8 && i + 2 < to) continue;
				else c.lineTo(x, y);
				lastX = x;
				lastY = y;
			}
			if (closed) c.closePath();
		}
	}
}
