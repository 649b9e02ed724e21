// Own tiles: asked for with the token, a few at a time, kept as long as they are among the newest used.
import { headers } from "../api";
import { worldSize, type Camera } from "./mercator";

const most = 240, atOnce = 6;
const tiles = new Map<string, ImageBitmap | "none" | "asked">();
let running = 0;
let queue: { key: string; done: () => void }[] = [];

function next() {
	while (running < atOnce && queue.length) {
		const { key, done } = queue.pop()!;
		running++;
		fetch(`/tiles/${key}.png`, { headers: headers() })
			.then(async (r) => (r.ok ? createImageBitmap(await r.blob()) : ("none" as const)))
			.then((image) => (tiles.set(key, image), done()), () => tiles.delete(key))
			.finally(() => (running--, next()));
	}
}
function tile(key: string, done: () => void): ImageBitmap | null {
	const t = tiles.get(key);
	if (t === undefined) {
		tiles.set(key, "asked");
		queue = [...queue.slice(-60), { key, done }];
		next();
		if (tiles.size > most) tiles.delete(tiles.keys().next().value!);
		return null;
	}
	if (typeof t === "string") return null;
	tiles.delete(key);
	tiles.set(key, t);
	return t;
}

/// Each tile of the window, or the part of a coarser one while it is not there.
export function drawTiles(c: CanvasRenderingContext2D, camera: Camera, width: number, height: number, done: () => void) {
	const z = Math.max(0, Math.min(19, Math.round(camera.zoom)));
	const n = 2 ** z, size = worldSize(camera.zoom) / n;
	const left = camera.x * n - width / 2 / size, top = camera.y * n - height / 2 / size;
	for (let ty = Math.max(0, Math.floor(top)); ty <= Math.min(n - 1, Math.floor(top + height / size)); ty++)
		for (let tx = Math.floor(left); tx <= Math.floor(left + width / size); tx++) {
			const wx = ((tx % n) + n) % n;
			const px = (tx - left) * size, py = (ty - top) * size;
			for (let up = 0; up <= Math.min(4, z); up++) {
				const image = tile(`${z - up}/${wx >> up}/${ty >> up}`, done);
				if (!image) continue;
				const part = image.width / 2 ** up;
				c.drawImage(image, (wx % 2 ** up) * part, (ty % 2 ** up) * part, part, part, px, py, size + 0.5, size + 0.5);
				break;
			}
		}
}
