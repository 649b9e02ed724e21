// The heat of signal: where devices were strong and many. Drawn small, coloured by what has gathered, then stretched.
import type { Points } from "./cluster";
import { worldSize, type Camera } from "./mercator";

const part = 4; // px of the screen for one of ours
const reach = 9; // radius of a device, in ours

let stamp: HTMLCanvasElement | null = null;
function dot(): HTMLCanvasElement {
	if (stamp) return stamp;
	stamp = document.createElement("canvas");
	stamp.width = stamp.height = reach * 2;
	const c = stamp.getContext("2d")!;
	const g = c.createRadialGradient(reach, reach, 0, reach, reach, reach);
	g.addColorStop(0, "rgba(0,0,0,1)");
	g.addColorStop(1, "rgba(0,0,0,0)");
	c.fillStyle = g;
	c.fillRect(0, 0, reach * 2, reach * 2);
	return stamp;
}

/// From what is little to what is much: blue, green, yellow, red, with alpha.
const ramp = (() => {
	const stops = [[40, 90, 200], [40, 180, 150], [240, 210, 60], [235, 80, 50]];
	const out = new Uint8ClampedArray(256 * 4);
	for (let i = 0; i < 256; i++) {
		const f = (i / 255) * (stops.length - 1), k = Math.min(stops.length - 2, Math.floor(f));
		for (let j = 0; j < 3; j++) out[i * 4 + j] = stops[k][j] + (stops[k + 1][j] - stops[k][j]) * (f - k);
		out[i * 4 + 3] = Math.min(190, i * 2.2);
	}
	return out;
})();

export function drawHeat(canvas: HTMLCanvasElement, p: Points, camera: Camera, width: number, height: number) {
	const w = (canvas.width = Math.ceil(width / part)), h = (canvas.height = Math.ceil(height / part));
	const c = canvas.getContext("2d", { willReadFrequently: true })!;
	const size = worldSize(camera.zoom) / part;
	const image = dot();
	for (let i = 0; i < p.devices.length; i++) {
		let dx = p.x[i] - camera.x;
		dx -= Math.round(dx);
		const x = w / 2 + dx * size, y = h / 2 + (p.y[i] - camera.y) * size;
		if (x < -reach || y < -reach || x > w + reach || y > h + reach) continue;
		c.globalAlpha = 0.03 + 0.3 * Math.max(0, Math.min(1, (p.dbm[i] + 95) / 60)) ** 1.5;
		c.drawImage(image, x - reach, y - reach);
	}
	const data = c.getImageData(0, 0, w, h);
	const a = data.data;
	for (let i = 3; i < a.length; i += 4) {
		const v = a[i] * 4;
		if (!v) continue;
		a[i - 3] = ramp[v];
		a[i - 2] = ramp[v + 1];
		a[i - 1] = ramp[v + 2];
		a[i] = ramp[v + 3];
	}
	c.putImageData(data, 0, 0);
}
