// The daemon's own log: the newest lines, then each as it is written; filtered by level, plugin and text.
import { useEffect, useMemo, useState } from "preact/hooks";
import { get } from "../api";
import { Card, SearchBox, why } from "../parts";
import { listen, onOpen } from "../store";
import { t } from "../texts";
import { Lines, type Line } from "./lines";

const most = 2000;
const ranks: Record<string, number> = { error: 0, warn: 1, info: 2, debug: 3 };
const fieldsOf = (f: any) => (f && typeof f === "object" ? Object.entries(f).map(([k, v]) => `${k}=${typeof v === "string" ? v : JSON.stringify(v)}`).join(" ") : "");
let serial = 0;
const toLine = (l: any): Line & { plugin: string } => ({ id: ++serial, at: l.time_ms, kind: l.level, who: l.plugin, plugin: l.plugin, text: [l.message, fieldsOf(l.fields)].filter(Boolean).join("  ") });

export function LogView() {
	const [lines, set] = useState<(Line & { plugin: string })[]>([]);
	const [failed, setFailed] = useState("");
	const [asked, setAsked] = useState(0);
	const [level, setLevel] = useState("info");
	const [plugin, setPlugin] = useState("");
	const [search, setSearch] = useState("");
	useEffect(() => {
		const load = () => get("log?lines=500").then((r) => (set(r.lines.map(toLine)), setFailed(""), setAsked(Date.now())), (e) => setFailed(why(e)));
		void load();
		const ends = [onOpen(load), listen("core/log", (l) => set((old) => [...old.slice(-most + 1), toLine(l)]))];
		return () => ends.forEach((f) => f());
	}, []);
	const plugins = useMemo(() => [...new Set(lines.map((l) => l.plugin))].sort(), [lines]);
	const shown = lines.filter((l) => (ranks[l.kind] ?? 3) <= ranks[level] && (!plugin || l.plugin === plugin));
	return (
		<div class="view full">
			<Card title={t.views.log} at={lines.at(-1)?.at ?? (asked || undefined)} since class="fill">
				<div class="toolbar">
					<SearchBox value={search} on={setSearch} />
					<label>{t.log.level} <select value={level} onChange={(e) => setLevel(e.currentTarget.value)}>{Object.keys(ranks).map((l) => <option key={l} value={l}>{t.log.levels[l]}</option>)}</select></label>
					<label>{t.log.plugin} <select value={plugin} onChange={(e) => setPlugin(e.currentTarget.value)}><option value="">{t.all}</option>{plugins.map((p) => <option key={p}>{p}</option>)}</select></label>
				</div>
				<Lines lines={shown} search={search} empty={failed || t.log.none} label={t.views.log} />
			</Card>
		</div>
	);
}
