// build.mjs WEB OUT NODE_MODULES: bundles src/, converts the base map, packs all files beside themselves.
import fs from "node:fs";
import path from "node:path";
import zlib from "node:zlib";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [web, out, modules] = process.argv.slice(2);
const { build } = createRequire(path.join(modules, "x.js"))("esbuild");
const assets = path.join(out, "assets");
fs.mkdirSync(assets, { recursive: true });

const { baseMap } = await import(pathToFileURL(path.join(web, "basemap.mjs")));
const baseFiles = await baseMap(assets, modules);

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

// The packed twin is served where the client takes it; small or packed files are left alone.
const pack = (folder) => {
	for (const entry of fs.readdirSync(folder, { withFileTypes: true })) {
		const file = path.join(folder, entry.name);
		if (entry.isDirectory()) pack(file);
		else if (/\.(html|js|css|svg|json|webmanifest|bin)$/.test(file)) {
			const bytes = fs.readFileSync(file);
			if (bytes.length < 600) continue;
			const quality = { [zlib.constants.BROTLI_PARAM_QUALITY]: 11, [zlib.constants.BROTLI_PARAM_LGWIN]: 22 };
			fs.writeFileSync(`${file}.br`, zlib.brotliCompressSync(bytes, { params: quality }));
			fs.writeFileSync(`${file}.gz`, zlib.gzipSync(bytes, { level: 9 }));
		}
	}
};
pack(out);
