// Web Mercator: the world is the square 0…1, north up.
export const toX = (lon: number) => lon / 360 + 0.5;
export function toY(lat: number): number {
	const s = Math.sin((Math.max(-85.0511, Math.min(85.0511, lat)) * Math.PI) / 180);
	return 0.5 - Math.log((1 + s) / (1 - s)) / (4 * Math.PI);
}
export const toLon = (x: number) => (x - 0.5) * 360;
export const toLat = (y: number) => (360 / Math.PI) * Math.atan(Math.exp((0.5 - y) * 2 * Math.PI)) - 90;
/// The short way round the world.
export const wrap = (dx: number) => dx - Math.round(dx);
/// Pixels of the whole world.
export const worldSize = (zoom: number) => 256 * 2 ** zoom;
/// Metres a pixel.
export const metresPerPixel = (y: number, zoom: number) => (40_075_016.7 * Math.cos((toLat(y) * Math.PI) / 180)) / worldSize(zoom);

export interface Camera {
	x: number;
	y: number;
	zoom: number;
}
