// Where the processes stand in the graph: a column a depth of what they require, or one column in the order of need.
export interface Placed<P> {
	p: P;
	x: number;
	y: number;
	depth: number;
}
export interface Edge {
	from: string;
	to: string;
	path: string;
}
export const box = { width: 236, height: 112, gapX: 64, gapY: 14 };

interface Node {
	name: string;
	requires?: string[];
}

/// The longest way to something that requires nothing; a circle ends where it began.
export function depths(nodes: Node[]): Map<string, number> {
	const by = new Map(nodes.map((n) => [n.name, n]));
	const out = new Map<string, number>();
	const visit = (name: string, seen: Set<string>): number => {
		if (out.has(name)) return out.get(name)!;
		if (seen.has(name)) return 0;
		seen.add(name);
		const needs = (by.get(name)?.requires ?? []).filter((r) => by.has(r));
		const d = needs.length ? 1 + Math.max(...needs.map((r) => visit(r, seen))) : 0;
		seen.delete(name);
		out.set(name, d);
		return d;
	};
	for (const n of nodes) visit(n.name, new Set());
	return out;
}

export function layout<P extends Node>(nodes: P[], isNarrow: boolean, width: number): { placed: Placed<P>[]; edges: Edge[]; width: number; height: number } {
	const depth = depths(nodes);
	const placed = new Map<string, Placed<P>>();
	if (isNarrow) {
		const order: P[] = [];
		const add = (p: P) => {
			if (order.includes(p)) return;
			order.push(p);
			for (const c of nodes) if (c.requires?.includes(p.name) && c.requires.every((r) => !depth.has(r) || order.some((o) => o.name === r))) add(c);
		};
		[...nodes].sort((a, b) => depth.get(a.name)! - depth.get(b.name)!).forEach(add);
		order.forEach((p, i) => placed.set(p.name, { p, depth: depth.get(p.name)!, x: Math.min(depth.get(p.name)! * 18, 90), y: i * (box.height + box.gapY) }));
	} else {
		const columns: P[][] = [];
		for (const p of nodes) (columns[depth.get(p.name)!] ??= []).push(p);
		columns.forEach((column, d) => {
			// beside what they need, so that lines cross little
			const wish = (p: P) => (p.requires ?? []).reduce((s, r) => s + (placed.get(r)?.y ?? 0), 0) / Math.max(1, p.requires?.length ?? 0);
			if (d) column.sort((a, b) => wish(a) - wish(b));
			let y = 0;
			for (const p of column) {
				y = Math.max(y, d ? wish(p) : 0);
				placed.set(p.name, { p, depth: d, x: d * (box.width + box.gapX), y });
				y += box.height + box.gapY;
			}
		});
	}
	const all = [...placed.values()];
	const edges: Edge[] = [];
	for (const { p, x, y } of all)
		for (const r of p.requires ?? []) {
			const from = placed.get(r);
			if (!from) continue;
			const [x1, y1, x2, y2] = isNarrow ? [from.x + 8, from.y + box.height, x, y + box.height / 2] : [from.x + box.width, from.y + box.height / 2, x, y + box.height / 2];
			edges.push({ from: r, to: p.name, path: isNarrow ? `M${x1} ${y1}V${y2}H${x2}` : `M${x1} ${y1}C${x1 + 36} ${y1} ${x2 - 36} ${y2} ${x2} ${y2}` });
		}
	return { placed: all, edges, width: isNarrow ? width : Math.max(0, ...all.map((p) => p.x + box.width)), height: Math.max(0, ...all.map((p) => p.y + box.height)) };
}
