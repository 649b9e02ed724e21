// Numbers, times and places as people read them. Everything unknown is a dash.
import { t } from "./texts";

type Maybe = number | null | undefined;
export const known = (v: Maybe): v is number => typeof v === "number" && Number.isFinite(v);

const plain = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
export const whole = (v: Maybe) => (known(v) ? plain.format(v) : t.none);
export const fixed = (v: Maybe, digits = 1, unit = "") => (known(v) ? v.toFixed(digits) + (unit && `\u202f${unit}`) : t.none);
export const percent = (v: Maybe) => (known(v) ? `${Math.round(v)}\u202f%` : t.none);

export function bytes(v: Maybe): string {
	if (!known(v)) return t.none;
	const units = ["B", "kB", "MB", "GB", "TB"];
	let i = 0;
	while (v >= 1000 && i < units.length - 1) (v /= 1000), i++;
	return `${v.toFixed(i && v < 10 ? 1 : 0)}\u202f${units[i]}`;
}

/// "4 s", "12 min", "3 h 20 min", "5 d".
export function span(ms: Maybe): string {
	if (!known(ms)) return t.none;
	const s = Math.max(0, Math.round(ms / 1000));
	if (s < 100) return `${s}\u202fs`;
	if (s < 5400) return `${Math.round(s / 60)}\u202fmin`;
	if (s < 86400) return `${Math.floor(s / 3600)}\u202fh ${Math.round((s % 3600) / 60)}\u202fmin`;
	return `${Math.floor(s / 86400)}\u202fd ${Math.round((s % 86400) / 3600)}\u202fh`;
}

/// Unix ms of a time that is a number (ms, or s) or ISO text; NaN where it is none.
export function unixMs(v: unknown): number {
	if (typeof v === "number") return v < 1e11 ? v * 1000 : v;
	return typeof v === "string" ? Date.parse(v) : NaN;
}

const two = (n: number) => String(n).padStart(2, "0");
export function clock(ms: Maybe): string {
	if (!known(ms)) return t.none;
	const d = new Date(ms);
	return `${two(d.getHours())}:${two(d.getMinutes())}:${two(d.getSeconds())}`;
}
export const utc = (ms: Maybe) => (known(ms) ? new Date(ms).toISOString().slice(11, 19) : t.none);
export const dateTime = (ms: Maybe) => (known(ms) ? new Date(ms).toLocaleString("en-GB", { dateStyle: "short", timeStyle: "medium" }) : t.none);

export const latitude = (v: Maybe, digits = 6) => (known(v) ? `${Math.abs(v).toFixed(digits)}° ${v < 0 ? "S" : "N"}` : t.none);
export const longitude = (v: Maybe, digits = 6) => (known(v) ? `${Math.abs(v).toFixed(digits)}° ${v < 0 ? "W" : "E"}` : t.none);
const winds = ["N", "NE", "E", "SE", "S", "SW", "W", "NW"];
export const course = (v: Maybe) => (known(v) ? `${Math.round(v)}° ${winds[Math.round(v / 45) % 8]}` : t.none);
export const state = (s: string) => t.states[s] ?? s;
