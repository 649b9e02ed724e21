// build.mjs WEB OUT NODE_MODULES: bundles src/, converts the base map, packs all files beside themselves.
import { createHash } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import zlib from "node:zlib";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [web, out, modules] = process.argv.slice(2);
const { build } = createRequire(path.join(modules, "x.js"))("esbuild");
const assets = path.join(out, "assets");
fs.mkdirSync(assets, { recursive: true });

// The packed twin is served where the client takes it; small or packed files are left alone.
function pack(folder) {
	for (const entry of fs.readdirSync(folder, { withFileTypes: true })) {
		const file = path.join(folder, entry.name);
		if (entry.isDirectory()) pack(file);
		else if (/\.(html|js|css|svg|json|webmanifest|bin)$/.test(file) && !fs.existsSync(`${file}.br`)) {
			const bytes = fs.readFileSync(file);
			if (bytes.length < 600) continue;
			fs.writeFileSync(`${file}.br`, zlib.brotliCompressSync(bytes, { params: { [zlib.constants.BROTLI_PARAM_LGWIN]: 22 } }));
			fs.writeFileSync(`${file}.gz`, zlib.gzipSync(bytes, { level: 9 }));
		}
	}
}

/// The base map, made once as long as its maker and its data stay the same; then copied.
async function base() {
	const maker = path.join(web, "basemap.mjs");
	const mark = createHash("sha256").update(fs.readFileSync(maker)).update(fs.readFileSync(path.join(web, "package-lock.json"))).digest("hex").slice(0, 16);
	const kept = path.join(modules, "..", `base-${mark}`);
	const names = path.join(kept, "names");
	if (!fs.existsSync(names)) {
		fs.rmSync(kept, { recursive: true, force: true });
		fs.mkdirSync(kept);
		const { baseMap } = await import(pathToFileURL(maker));
		const made = await baseMap(kept, modules);
		pack(kept);
		fs.writeFileSync(names, JSON.stringify(made));
	}
	for (const file of fs.readdirSync(kept)) if (file !== "names") fs.copyFileSync(path.join(kept, file), path.join(assets, file));
	return JSON.parse(fs.readFileSync(names, "utf8"));
}
const baseFiles = await base();

const { metafile } = await build({
	entryPoints: { main: path.join(web, "src/main.tsx") },
	outdir: assets,
	bundle: true,
	splitting: true,
	format: "esm",
	target: ["es2021", "chrome100", "firefox100", "safari15"],
	minify: true,
	legalComments: "none",
	entryNames: "[name]-[hash]",
	chunkNames: "[name]-[hash]",
	assetNames: "[name]-[hash]",
	jsx: "automatic",
	jsxImportSource: "preact",
	nodePaths: [modules],
	metafile: true,
	logLevel: "warning",
	define: { "process.env.NODE_ENV": '"production"', BASE_FILES: JSON.stringify(baseFiles) },
});

const outputs = Object.entries(metafile.outputs);
const main = outputs.find(([, o]) => o.entryPoint?.endsWith("src/main.tsx"));
const name = (file) => path.basename(file);
const early = main[1].imports.filter((i) => i.kind === "import-statement").map((i) => `<link rel="modulepreload" href="/assets/${name(i.path)}">`);
const html = fs
	.readFileSync(path.join(web, "index.html"), "utf8")
	.replace("<!--css-->", `<link rel="stylesheet" href="/assets/${name(main[1].cssBundle)}">`)
	.replace("<!--js-->", `${early.join("")}<script type="module" src="/assets/${name(main[0])}"></script>`);
fs.writeFileSync(path.join(out, "index.html"), html);
for (const file of fs.readdirSync(path.join(web, "static"))) fs.copyFileSync(path.join(web, "static", file), path.join(out, file));

pack(out);
