// What is shown, as a file. Strangers choose names: a spreadsheet must take none for a formula, XML none for markup.
import type { Device } from "./devices";

const iso = (ms: number) => (ms ? new Date(ms).toISOString() : "");

/// Text for a spreadsheet: quoted, and with an apostrophe before what would be a formula. Numbers are not text.
export function csvCell(v: string | number | null | undefined): string {
	if (v === null || v === undefined) return "";
	if (typeof v === "number") return Number.isFinite(v) ? String(v) : "";
	const s = v.replace(/\0/g, "");
	const guarded = /^[\s\u00a0\ufeff]*[=+\-@|%\uff1d\uff0b\uff0d\uff20]/.test(s) || /^[\t\r\n]/.test(s) ? `'${s}` : s;
	return /[",\r\n;']/.test(guarded) ? `"${guarded.replace(/"/g, '""')}"` : guarded;
}

const head = ["mac", "name", "type", "manufacturer", "channel", "frequency_khz", "signal_dbm", "signal_min_dbm", "signal_max_dbm", "packets", "data_bytes", "first_seen", "last_seen", "latitude", "longitude", "altitude_m"];
export function toCsv(list: Device[]): string {
	const rows = list.map((d) => [d.mac, d.name, d.type, d.manufacturer, d.channel, d.frequency, d.signal.last, d.signal.min, d.signal.max, d.packets, d.dataBytes, iso(d.first), iso(d.last), d.location?.lat, d.location?.lon, d.location?.alt]);
	return [head, ...rows].map((r) => r.map(csvCell).join(",")).join("\r\n") + "\r\n";
}

/// Text for XML 1.0: what has no place in it goes.
export const xml = (s: string) =>
	s.replace(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, "").replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);

export function toKml(list: Device[]): string {
	const marks = list.filter((d) => d.location).map((d) => {
		const data = Object.entries({ mac: d.mac, type: d.type, manufacturer: d.manufacturer, channel: d.channel ?? "", signal_max_dbm: String(d.signal.max ?? ""), last_seen: iso(d.last) });
		return `<Placemark><name>${xml(d.name)}</name>${d.last ? `<TimeStamp><when>${iso(d.last)}</when></TimeStamp>` : ""}<ExtendedData>${data.map(([k, v]) => `<Data name="${k}"><value>${xml(v)}</value></Data>`).join("")}</ExtendedData>` +
			`<Point><coordinates>${d.location!.lon},${d.location!.lat}${d.location!.alt === null ? "" : `,${d.location!.alt}`}</coordinates></Point></Placemark>`;
	});
	return `<?xml version="1.0" encoding="UTF-8"?>\n<kml xmlns="http://www.opengis.net/kml/2.2"><Document><name>Patchbay</name>\n${marks.join("\n")}\n</Document></kml>\n`;
}

export function toGeoJson(list: Device[]): string {
	const features = list.filter((d) => d.location).map((d) => ({
		type: "Feature", geometry: { type: "Point", coordinates: [d.location!.lon, d.location!.lat, ...(d.location!.alt === null ? [] : [d.location!.alt])] },
		properties: { mac: d.mac, name: d.name, type: d.type, manufacturer: d.manufacturer, channel: d.channel, frequency_khz: d.frequency, signal: d.signal, packets: d.packets, data_bytes: d.dataBytes, first_seen: iso(d.first) || null, last_seen: iso(d.last) || null },
	}));
	return JSON.stringify({ type: "FeatureCollection", features });
}

const makers = { csv: [toCsv, "text/csv"], kml: [toKml, "application/vnd.google-earth.kml+xml"], geojson: [toGeoJson, "application/geo+json"] } as const;
export function save(format: keyof typeof makers, list: Device[]) {
	const [make, type] = makers[format];
	const url = URL.createObjectURL(new Blob([make(list)], { type: `${type};charset=utf-8` }));
	const a = document.createElement("a");
	a.href = url;
	a.download = `patchbay-devices-${new Date().toISOString().slice(0, 19).replace(/[:T]/g, "-")}.${format}`;
	a.click();
	setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
