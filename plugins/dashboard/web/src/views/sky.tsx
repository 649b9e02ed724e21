// The sky as the receiver sees it: north is up, the zenith is the middle; size and fill tell the signal, a filled one is used.
import { t } from "../texts";

interface Satellite {
	PRN: number;
	el: number | null;
	az: number | null;
	ss: number | null;
	used: boolean;
	gnssid?: number | null;
	svid?: number | null;
}
const systems = ["GP", "SB", "GA", "BD", "IM", "QZ", "GL", "IR"]; // by gnssid, as receivers name them
export const nameOf = (s: Satellite) => (typeof s.gnssid === "number" && typeof s.svid === "number" ? `${systems[s.gnssid] ?? ""}${s.svid}` : String(s.PRN));
const isNumber = (v: unknown): v is number => typeof v === "number";

export function Sky({ satellites, used, seen }: { satellites: Satellite[]; used: number; seen: number }) {
	const placed = satellites.filter((s) => isNumber(s.el) && isNumber(s.az) && s.el >= 0);
	return (
		<svg class="sky" viewBox="-110 -110 220 220" role="img" aria-label={t.now.skyLabel(used, seen)}>
			{[100, 66.7, 33.3].map((r) => (
				<circle key={r} r={r} class="ring" />
			))}
			<path class="ring" d="M0-100V100M-100 0H100" />
			{(["N", "E", "S", "W"] as const).map((w, i) => (
				<text key={w} class="wind" x={[0, 106, 0, -106][i]} y={[-103, 3, 109, 3][i]}>
					{w}
				</text>
			))}
			{placed.map((s) => {
				const r = (100 * (90 - s.el!)) / 90;
				const a = (s.az! * Math.PI) / 180;
				return (
					<g key={nameOf(s)} class={`sat ${s.used ? "used" : ""} ${strength(s.ss)}`} transform={`translate(${(r * Math.sin(a)).toFixed(1)} ${(-r * Math.cos(a)).toFixed(1)})`}>
						<circle r={5 + Math.min(50, s.ss ?? 0) / 10} />
						<text y="2.6">{nameOf(s).replace(/^GP/, "")}</text>
					</g>
				);
			})}
		</svg>
	);
}

export const strength = (ss: number | null | undefined) => (!isNumber(ss) || ss <= 0 ? "none" : ss >= 35 ? "strong" : ss >= 25 ? "fair" : "weak");

/// The signals as bars, the strongest first.
export function Signals({ satellites }: { satellites: Satellite[] }) {
	const list = [...satellites].sort((a, b) => Number(b.used) - Number(a.used) || (b.ss ?? 0) - (a.ss ?? 0)).slice(0, 32);
	return (
		<ul class="signals" aria-label={t.now.signal}>
			{list.map((s) => (
				<li key={nameOf(s)} class={`${s.used ? "used" : ""} ${strength(s.ss)}`} title={`${nameOf(s)}: ${s.ss ?? 0} dB-Hz`}>
					<svg viewBox="0 0 10 50" preserveAspectRatio="none" aria-hidden="true">
						<rect x="0" width="10" y={50 - Math.min(50, s.ss ?? 0)} height={Math.min(50, s.ss ?? 0)} />
					</svg>
					<span>{nameOf(s)}</span>
				</li>
			))}
		</ul>
	);
}
