// The map on a canvas: the base is drawn into a larger picture that is moved about and made anew when all is still; devices, way and kit above it.
import { color } from "../theme";
import { base, need, trace } from "./base";
import { cluster, gather, near, type Cluster, type Points } from "./cluster";
import { drawGrid, drawNames, type Colors } from "./labels";
import { metresPerPixel, toX, toY, worldSize, wrap, type Camera } from "./mercator";
import { drawTiles } from "./tiles";
import { drawHeat } from "./heat";
import type { Device } from "../devices";

export interface Layers {
	devices: boolean;
	clusters: boolean;
	heat: boolean;
	track: boolean;
	places: boolean;
	grid: boolean;
	tiles: boolean;
}
export interface Kit {
	lat: number;
	lon: number;
	track: number | null;
	error: number | null;
	stale: boolean;
}
export type TrackPoint = { lat: number; lon: number; begins: boolean };

const margin = 0.3; // of the window, round the picture of the base
const settle = 140; // ms without a change of scale, then the base is made anew

export class MapCanvas {
	camera: Camera = { x: 0.5, y: 0.36, zoom: 1.6 };
	layers: Layers = { devices: true, clusters: true, heat: false, track: true, places: true, grid: false, tiles: true };
	kit: Kit | null = null;
	track: TrackPoint[] = [];
	marks: { lat: number; lon: number }[] = [];
	follows = false;
	hasTiles = false;
	points: Points = gather(() => false);
	onMove: () => void = () => undefined;
	onPick: (devices: Device[], x: number, y: number) => void = () => undefined;
	frameTimes: number[] = [];

	private width = 1;
	private height = 1;
	private ratio = 1;
	private c: CanvasRenderingContext2D;
	private picture = document.createElement("canvas");
	private pictureCamera: Camera | null = null;
	private heat = document.createElement("canvas");
	private heatCamera: Camera | null = null;
	private clusters: { level: number; list: Cluster[] } | null = null;
	private planned = 0;
	private settling = 0;
	private ends: (() => void)[] = [];
	private colors: Colors = {};

	constructor(private canvas: HTMLCanvasElement) {
		this.c = canvas.getContext("2d")!;
		const o = new ResizeObserver(() => this.resize());
		o.observe(canvas);
		this.ends.push(() => o.disconnect());
		this.readColors();
		this.listen();
		this.resize();
	}
	end() {
		this.ends.forEach((f) => f());
		cancelAnimationFrame(this.planned);
		clearTimeout(this.settling);
	}

	readColors() {
		for (const k of ["land", "water", "coast", "border", "grid", "place", "trackline", "good", "warn", "bad", "dim", "accent", "bg", "text", "surface"]) this.colors[k] = color(k);
		this.fresh();
	}
	/// The base must be drawn anew.
	fresh() {
		this.pictureCamera = null;
		this.heatCamera = null;
		this.draw();
	}
	setPoints(p: Points) {
		this.points = p;
		this.clusters = null;
		this.heatCamera = null;
		this.draw();
	}
	setKit(k: Kit | null) {
		this.kit = k;
		if (k && this.follows) this.look(k.lat, k.lon);
		this.draw();
	}
	look(lat: number, lon: number, zoom = this.camera.zoom) {
		this.move({ x: toX(lon), y: toY(lat), zoom });
	}
	move(to: Camera) {
		const zoom = Math.max(1, Math.min(19, to.zoom));
		const isScaled = zoom !== this.camera.zoom;
		this.camera = { x: to.x - Math.floor(to.x), y: Math.max(0, Math.min(1, to.y)), zoom };
		if (isScaled) {
			clearTimeout(this.settling);
			this.settling = window.setTimeout(() => this.fresh(), settle);
		}
		this.draw();
		this.onMove();
	}
	zoomBy(by: number, at: { x: number; y: number } = { x: this.width / 2, y: this.height / 2 }) {
		const zoom = Math.max(1, Math.min(19, this.camera.zoom + by));
		const a = 1 / worldSize(this.camera.zoom) - 1 / worldSize(zoom);
		this.move(this.follows && this.kit ? { ...this.camera, zoom } : { x: this.camera.x + (at.x - this.width / 2) * a, y: this.camera.y + (at.y - this.height / 2) * a, zoom });
	}
	/// All of these places in the window.
	fit(places: { lat: number; lon: number }[]) {
		if (!places.length) return;
		const xs = places.map((p) => toX(p.lon)), ys = places.map((p) => toY(p.lat));
		const box = { x0: min(xs), x1: max(xs), y0: min(ys), y1: max(ys) };
		const zoom = Math.log2(Math.min((this.width * 0.8) / 256 / Math.max(1e-9, box.x1 - box.x0), (this.height * 0.8) / 256 / Math.max(1e-9, box.y1 - box.y0)));
		this.move({ x: (box.x0 + box.x1) / 2, y: (box.y0 + box.y1) / 2, zoom: Math.min(16.5, zoom) });
	}
	get metresPerPixel() {
		return metresPerPixel(this.camera.y, this.camera.zoom);
	}
	draw() {
		if (!this.planned) this.planned = requestAnimationFrame(() => ((this.planned = 0), this.frame()));
	}

	// ---- drawing ----------------------------------------------------------------------------------------------------

	private resize() {
		const { clientWidth: w, clientHeight: h } = this.canvas;
		this.ratio = Math.min(2, devicePixelRatio || 1);
		if (!w || !h || (w === this.width && h === this.height)) return;
		[this.width, this.height] = [w, h];
		this.canvas.width = w * this.ratio;
		this.canvas.height = h * this.ratio;
		this.fresh();
	}
	private screen(x: number, y: number): [number, number] {
		const size = worldSize(this.camera.zoom);
		let dx = x - this.camera.x;
		dx -= Math.round(dx);
		return [this.width / 2 + dx * size, this.height / 2 + (y - this.camera.y) * size];
	}

	private frame() {
		const began = performance.now();
		const c = this.c;
		c.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
		c.fillStyle = this.colors.water;
		c.fillRect(0, 0, this.width, this.height);
		this.drawBase();
		if (this.layers.heat) this.drawHeat();
		if (this.layers.track) this.drawTrack();
		if (this.layers.devices) this.drawDevices();
		for (const m of this.marks) this.drawMark(m);
		if (this.kit) this.drawKit(this.kit);
		this.frameTimes.push(performance.now() - began);
		if (this.frameTimes.length > 300) this.frameTimes.shift();
	}

	/// The picture, moved and scaled; made anew where it does not reach or is of another scale and nothing moves.
	private drawBase() {
		const w = this.width * (1 + 2 * margin), h = this.height * (1 + 2 * margin);
		const now = this.camera;
		let had = this.pictureCamera;
		const size = worldSize(now.zoom);
		const isFar = had && (Math.abs(wrap(had.x - now.x)) * size > this.width * margin || Math.abs(had.y - now.y) * size > this.height * margin);
		if (!had || (isFar && had.zoom === now.zoom)) {
			this.picture.width = w * this.ratio;
			this.picture.height = h * this.ratio;
			const c = this.picture.getContext("2d")!;
			c.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
			this.drawPicture(c, now, w, h);
			had = this.pictureCamera = { ...now };
		}
		const k = 2 ** (now.zoom - had.zoom);
		const x = this.width / 2 + wrap(had.x - now.x) * size, y = this.height / 2 + (had.y - now.y) * size;
		this.c.drawImage(this.picture, x - (w * k) / 2, y - (h * k) / 2, w * k, h * k);
	}
	private drawPicture(c: CanvasRenderingContext2D, camera: Camera, w: number, h: number) {
		need(camera.zoom, () => this.fresh());
		c.fillStyle = this.colors.water;
		c.fillRect(0, 0, w, h);
		const shapes = camera.zoom >= 6.5 ? (base.fine ?? base.coarse) : base.coarse;
		if (shapes) {
			trace(c, shapes.land, camera, w, h, true);
			c.fillStyle = this.colors.land;
			c.fill("evenodd");
			c.strokeStyle = this.colors.coast;
			c.lineWidth = 1;
			c.stroke();
		}
		if (this.hasTiles && this.layers.tiles) drawTiles(c, camera, w, h, () => this.later());
		if (shapes) {
			trace(c, shapes.borders, camera, w, h, false);
			c.strokeStyle = this.colors.border;
			c.setLineDash([4, 3]);
			c.stroke();
			c.setLineDash([]);
		}
		if (this.layers.grid || (!this.hasTiles && camera.zoom > 9)) drawGrid(c, this.colors, camera, w, h);
		if (this.layers.places) drawNames(c, this.colors, camera, w, h);
	}
	private laterTimer = 0;
	private later() {
		if (!this.laterTimer) this.laterTimer = window.setTimeout(() => ((this.laterTimer = 0), this.fresh()), 120);
	}

	private drawHeat() {
		const moved = !this.heatCamera || this.heatCamera.zoom !== this.camera.zoom || Math.abs(wrap(this.heatCamera.x - this.camera.x)) * worldSize(this.camera.zoom) > this.width * margin * 0.8 ||
			Math.abs(this.heatCamera.y - this.camera.y) * worldSize(this.camera.zoom) > this.height * margin * 0.8;
		const w = this.width * (1 + 2 * margin), h = this.height * (1 + 2 * margin);
		if (moved && (!this.heatCamera || this.heatCamera.zoom === this.camera.zoom || !this.pictureCamera || this.pictureCamera.zoom === this.camera.zoom)) {
			drawHeat(this.heat, this.points, this.camera, w, h);
			this.heatCamera = { ...this.camera };
		}
		const had = this.heatCamera!;
		const size = worldSize(this.camera.zoom), k = 2 ** (this.camera.zoom - had.zoom);
		this.c.drawImage(this.heat, this.width / 2 + wrap(had.x - this.camera.x) * size - (w * k) / 2, this.height / 2 + (had.y - this.camera.y) * size - (h * k) / 2, w * k, h * k);
	}

	private drawTrack() {
		const c = this.c;
		c.beginPath();
		let px = 0, py = 0;
		this.track.forEach((p, i) => {
			const [x, y] = this.screen(toX(p.lon), toY(p.lat));
			if (p.begins || i === 0) c.moveTo(x, y);
			else if (Math.abs(x - px) + Math.abs(y - py) < 1 && i + 1 < this.track.length) return;
			else c.lineTo(x, y);
			[px, py] = [x, y];
		});
		c.strokeStyle = this.colors.trackline;
		c.globalAlpha = 0.85;
		c.lineWidth = 3;
		c.lineJoin = c.lineCap = "round";
		c.stroke();
		c.globalAlpha = 1;
	}

	private toneOf = (dbm: number) => (dbm >= -60 ? this.colors.good : dbm >= -78 ? this.colors.warn : this.colors.dim);

	private drawDevices() {
		const c = this.c, p = this.points;
		if (!this.layers.clusters || this.camera.zoom >= 17.5) {
			for (let i = 0; i < p.devices.length; i++) {
				const [x, y] = this.screen(p.x[i], p.y[i]);
				if (x < -4 || y < -4 || x > this.width + 4 || y > this.height + 4) continue;
				c.fillStyle = this.toneOf(p.dbm[i]);
				c.fillRect(x - 2.5, y - 2.5, 5, 5);
			}
			return;
		}
		const level = Math.floor(this.camera.zoom);
		if (this.clusters?.level !== level) this.clusters = { level, list: cluster(p, level) };
		c.textAlign = "center";
		c.textBaseline = "middle";
		for (const k of this.clusters.list) {
			const [x, y] = this.screen(k.x, k.y);
			if (x < -30 || y < -30 || x > this.width + 30 || y > this.height + 30) continue;
			const r = k.count === 1 ? 6 : Math.min(24, 11 + Math.log2(k.count) * 1.6);
			c.beginPath();
			c.arc(x, y, r, 0, 7);
			c.fillStyle = k.count === 1 ? this.toneOf(k.dbm) : this.colors.surface;
			c.fill();
			c.lineWidth = k.count === 1 ? 1.5 : 2.5;
			c.strokeStyle = k.count === 1 ? this.colors.bg : this.toneOf(k.dbm);
			c.stroke();
			if (k.count > 1) {
				c.fillStyle = this.colors.text;
				c.font = "600 11.5px system-ui, sans-serif";
				c.fillText(k.count < 1000 ? String(k.count) : `${(k.count / 1000).toFixed(k.count < 10000 ? 1 : 0)}k`, x, y + 0.5);
			}
		}
		c.textBaseline = "alphabetic";
	}

	private drawMark(m: { lat: number; lon: number }) {
		const [x, y] = this.screen(toX(m.lon), toY(m.lat));
		const c = this.c;
		c.beginPath();
		c.arc(x, y, 11, 0, 7);
		c.strokeStyle = this.colors.accent;
		c.lineWidth = 3;
		c.stroke();
		c.beginPath();
		c.arc(x, y, 4, 0, 7);
		c.fillStyle = this.colors.accent;
		c.fill();
	}

	private drawKit(k: Kit) {
		const [x, y] = this.screen(toX(k.lon), toY(k.lat));
		const c = this.c;
		const r = k.error ? k.error / this.metresPerPixel : 0;
		if (r > 12 && r < 4000) {
			c.beginPath();
			c.arc(x, y, r, 0, 7);
			c.globalAlpha = 0.14;
			c.fillStyle = this.colors.accent;
			c.fill();
			c.globalAlpha = 1;
		}
		c.save();
		c.translate(x, y);
		c.beginPath();
		if (k.track === null) c.arc(0, 0, 9, 0, 7);
		else {
			c.rotate((k.track * Math.PI) / 180);
			c.moveTo(0, -14);
			c.lineTo(10, 11);
			c.lineTo(0, 6);
			c.lineTo(-10, 11);
			c.closePath();
		}
		c.fillStyle = k.stale ? this.colors.dim : this.colors.accent;
		c.strokeStyle = this.colors.bg;
		c.lineWidth = 5;
		c.stroke();
		c.fill();
		c.restore();
	}

	// ---- hands ------------------------------------------------------------------------------------------------------

	private listen() {
		const el = this.canvas;
		const on = <K extends keyof HTMLElementEventMap>(name: K, f: (e: HTMLElementEventMap[K]) => void, options?: AddEventListenerOptions) => {
			el.addEventListener(name, f as EventListener, options);
			this.ends.push(() => el.removeEventListener(name, f as EventListener));
		};
		const fingers = new Map<number, { x: number; y: number }>();
		let moved = 0, spread = 0, lastTap = 0;
		const at = (e: PointerEvent | WheelEvent) => ({ x: e.offsetX, y: e.offsetY });
		on("pointerdown", (e) => {
			el.setPointerCapture(e.pointerId);
			fingers.set(e.pointerId, at(e));
			if (fingers.size === 1) moved = 0;
			spread = 0;
		});
		on("pointermove", (e) => {
			const was = fingers.get(e.pointerId);
			if (!was) return;
			const is = at(e);
			fingers.set(e.pointerId, is);
			moved += Math.abs(is.x - was.x) + Math.abs(is.y - was.y);
			const size = worldSize(this.camera.zoom);
			if (fingers.size === 1 && moved > 4) {
				this.follows = false;
				this.move({ ...this.camera, x: this.camera.x - (is.x - was.x) / size, y: this.camera.y - (is.y - was.y) / size });
			} else if (fingers.size === 2) {
				const [a, b] = [...fingers.values()];
				const now = Math.hypot(a.x - b.x, a.y - b.y);
				if (spread) this.zoomBy(Math.log2(now / spread), { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 });
				spread = now;
			}
		});
		const lift = (e: PointerEvent) => {
			if (!fingers.delete(e.pointerId) || e.type === "pointercancel" || moved > 6 || fingers.size) return;
			if (e.timeStamp - lastTap < 300) return this.zoomBy(1, at(e));
			lastTap = e.timeStamp;
			this.pick(at(e));
		};
		on("pointerup", lift);
		on("pointercancel", lift);
		on("wheel", (e) => (e.preventDefault(), this.zoomBy(Math.max(-1, Math.min(1, -e.deltaY / (e.deltaMode ? 4 : 240))), at(e))), { passive: false });
		on("keydown", (e) => {
			const step = 80 / worldSize(this.camera.zoom);
			const way: Record<string, [number, number]> = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] };
			if (!way[e.key] || e.ctrlKey || e.metaKey || e.altKey) return;
			e.preventDefault();
			this.follows = false;
			this.move({ ...this.camera, x: this.camera.x + way[e.key][0], y: this.camera.y + way[e.key][1] });
		});
	}
	private pick(p: { x: number; y: number }) {
		const size = worldSize(this.camera.zoom);
		const x = this.camera.x + (p.x - this.width / 2) / size, y = this.camera.y + (p.y - this.height / 2) / size;
		if (this.layers.clusters && this.layers.devices && this.clusters && this.camera.zoom < 17.5) {
			const hit = this.clusters.list.filter((k) => k.count > 1 && Math.hypot((k.x - x) * size, (k.y - y) * size) < 24).at(-1);
			if (hit) {
				const inside = near(this.points, this.camera, hit.x, hit.y, 64);
				if (this.camera.zoom < 16) return this.move({ x: hit.x, y: hit.y, zoom: this.camera.zoom + 2 }), (this.follows = false), this.onPick([], 0, 0);
				return this.onPick(inside, p.x, p.y);
			}
		}
		this.onPick(this.layers.devices ? near(this.points, this.camera, x, y, 18) : [], p.x, p.y);
	}
}

const min = (a: number[]) => a.reduce((x, y) => (y < x ? y : x));
const max = (a: number[]) => a.reduce((x, y) => (y > x ? y : x));
