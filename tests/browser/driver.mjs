// Drives Chromium for the tests: a line of JSON in, a line out. {"do": name, …} → {"ok": value} or {"error": text}.
import readline from "node:readline";
import { createRequire } from "node:module";
import path from "node:path";

const require = createRequire(path.join(process.env.NODE_MODULES, "x.js"));
const { chromium } = require("playwright-core");
const axe = require.resolve("axe-core/axe.min.js");

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ["--no-sandbox", "--disable-dev-shm-usage", "--force-color-profile=srgb"] });
const pages = new Map();
let last = 0;

const does = {
	/// A page of its own, with what it says and what goes wrong in it.
	async open({ url, options = {}, init }) {
		const context = await browser.newContext({ bypassCSP: false, acceptDownloads: true, ...options });
		const page = await context.newPage();
		page.setDefaultTimeout(15000);
		const told = [], requests = [];
		page.on("console", (m) => told.push({ type: m.type(), text: m.text() }));
		page.on("pageerror", (e) => told.push({ type: "pageerror", text: String(e) }));
		page.on("dialog", (d) => (told.push({ type: "dialog", text: d.message() }), d.dismiss()));
		page.on("request", (r) => requests.push(r.url()));
		if (init) await page.addInitScript(init);
		await page.goto(url, { waitUntil: "load" });
		pages.set(++last, { page, context, told, requests });
		return last;
	},
	goto: ({ page }, { url }) => page.goto(url).then(() => null),
	reload: ({ page }) => page.reload().then(() => null),
	eval: ({ page }, { js }) => page.evaluate(js),
	/// Until the expression is true; by the debugger, since the page's own policy allows no eval.
	async wait({ page }, { js, limit = 15000 }) {
		let value, why;
		for (const end = Date.now() + limit; Date.now() < end; await new Promise((r) => setTimeout(r, 40))) {
			try {
				value = await page.evaluate(js);
				why = undefined;
			} catch (e) {
				why = e;
			}
			if (value) return value;
		}
		throw why ?? new Error(`not within ${limit} ms; the page: ${(await page.evaluate("document.querySelector(\"main\").innerText")).slice(0, 900)}`);
	},
	click: ({ page }, { at }) => page.click(at).then(() => null),
	tap: ({ page }, { at }) => page.tap(at).then(() => null),
	fill: ({ page }, { at, text }) => page.fill(at, text).then(() => null),
	select: ({ page }, { at, value }) => page.selectOption(at, value).then(() => null),
	press: ({ page }, { key }) => page.keyboard.press(key).then(() => null),
	mouse: async ({ page }, { x, y, wheel }) => (await page.mouse.move(x, y), wheel && (await page.mouse.wheel(0, wheel)), null),
	text: ({ page }, { at }) => page.innerText(at),
	count: ({ page }, { at }) => page.locator(at).count(),
	shot: ({ page }, { file, full = false }) => page.screenshot({ path: file, fullPage: full, animations: "disabled" }).then(() => null),
	told: ({ told }) => told,
	requests: ({ requests }) => requests,
	/// What a click downloads, as text.
	async download({ page }, { at }) {
		const [d] = await Promise.all([page.waitForEvent("download"), page.click(at)]);
		const chunks = [];
		for await (const c of await d.createReadStream()) chunks.push(c);
		return { name: d.suggestedFilename(), text: Buffer.concat(chunks).toString("utf8") };
	},
	/// What axe-core finds; it is put in by the debugger, which the page's policy does not bind.
	async axe({ page }) {
		const fs = await import("node:fs");
		await page.evaluate(fs.readFileSync(axe, "utf8") + ";0");
		const r = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
		return r.violations.map((v) => ({ id: v.id, impact: v.impact, help: v.help, nodes: v.nodes.slice(0, 5).map((n) => n.html.slice(0, 200) + " " + (n.any[0]?.message ?? "")) }));
	},
	/// The debugger's own commands: networks, processors.
	async cdp(it, { method, params }) {
		it.session ??= await it.context.newCDPSession(it.page);
		return it.session.send(method, params ?? {});
	},
	close: ({ context }) => context.close().then(() => null),
};

for await (const line of readline.createInterface({ input: process.stdin })) {
	let out;
	try {
		const order = JSON.parse(line);
		const value = order.do === "open" ? await does.open(order) : await does[order.do](pages.get(order.page), order);
		out = { ok: value ?? null };
	} catch (e) {
		out = { error: String(e.message ?? e) };
	}
	process.stdout.write(JSON.stringify(out) + "\n");
}
await browser.close();
