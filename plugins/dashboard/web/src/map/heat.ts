// The heat of signal: where devices were strong and many. What each gives is gathered on a coarse grid, blurred, coloured, and stretched when drawn.
import type { Points } from "./cluster";
import { worldSize, type Camera } from "./mercator";

const part = 4; // px of the screen for one cell
const reach = 3; // of one pass of the blur, in cells; three passes are near a bell

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

/// The mean of each cell and its neighbours along one way, by a window that slides.
function blur(from: Float32Array, to: Float32Array, lines: number, length: number, alongStep: number, lineStep: number) {
	const share = 1 / (2 * reach + 1);
	for (let l = 0; l < lines; l++) {
		const at = l * lineStep;
		let sum = 0;
		for (let i = -reach; i < length; i++) {
			if (i + reach < length) sum += from[at + (i + reach) * alongStep];
			if (i - reach - 1 >= 0) sum -= from[at + (i - reach - 1) * alongStep];
			if (i >= 0) to[at + i * alongStep] = sum * share;
		}
	}
}

export function drawHeat(canvas: HTMLCanvasElement, p: Points, camera: Camera, width: number, height: number) {
	const w = (canvas.width = Math.ceil(width / part)), h = (canvas.height = Math.ceil(height / part));
	const size = worldSize(camera.zoom) / part;
	const cells = new Float32Array(w * h), other = new Float32Array(w * h);
	for (let i = 0; i < p.devices.length; i++) {
		let dx = p.x[i] - camera.x;
		dx -= Math.round(dx);
		const x = Math.floor(w / 2 + dx * size), y = Math.floor(h / 2 + (p.y[i] - camera.y) * size);
		if (x >= 0 && y >= 0 && x < w && y < h) cells[y * w + x] += 0.15 + Math.max(0, Math.min(1, (p.dbm[i] + 95) / 60)) ** 1.5;
	}
	for (let pass = 0; pass < 3; pass++) {
		blur(cells, other, h, w, 1, w);
		blur(other, cells, w, h, w, 1);
	}
	const c = canvas.getContext("2d")!;
	const data = c.createImageData(w, h);
	for (let i = 0; i < cells.length; i++) {
		if (cells[i] < 1e-4) continue;
		const v = Math.round(255 * (1 - Math.exp(-cells[i] * 14))) * 4;
		for (let j = 0; j < 4; j++) data.data[i * 4 + j] = ramp[v + j];
	}
	c.putImageData(data, 0, 0);
}
