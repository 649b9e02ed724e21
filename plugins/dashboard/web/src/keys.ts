// The keyboard: g and a letter for a view, digits, / for the search, and what a view adds.
import { signal } from "@preact/signals";
import { go, views, type View } from "./route";
import { nextTheme } from "./theme";

export const helpOpen = signal(false);
const letters: Record<string, View> = { n: "now", m: "map", d: "devices", p: "processes", i: "interfaces", l: "locks", o: "ports", r: "recovery", u: "plugins", g: "log", t: "plots" };

type Handler = (key: string, e: KeyboardEvent) => boolean;
const handlers: Handler[] = [];
/// A view's own keys, as long as it is shown: true where it took the key.
export function keys(h: Handler): () => void {
	handlers.push(h);
	return () => void handlers.splice(handlers.indexOf(h), 1);
}

let afterG = 0;
export function beginKeys() {
	document.addEventListener("keydown", (e) => {
		if (e.ctrlKey || e.metaKey || e.altKey || e.defaultPrevented) return;
		const at = e.target as HTMLElement;
		if (e.key === "Escape") {
			if (helpOpen.value) helpOpen.value = false;
			else if (at.matches?.("input")) at.blur();
			else for (const h of handlers) if (h("Escape", e)) break;
			return;
		}
		if (at.matches?.("input, textarea, select")) return;
		if (take(e)) e.preventDefault();
	});
}

function take(e: KeyboardEvent): boolean {
	const isAfterG = Date.now() - afterG < 1500;
	afterG = 0;
	if (isAfterG && letters[e.key]) return go(letters[e.key]), true;
	if (e.key === "g") return (afterG = Date.now()), true;
	if (e.key === "?") return (helpOpen.value = true);
	if (e.key >= "1" && e.key <= "9") return go(views[Number(e.key) - 1]), true;
	for (const h of handlers) if (h(e.key, e)) return true;
	if (e.key === "t") return nextTheme(), true;
	if (e.key === "/") {
		const box = document.querySelector<HTMLInputElement>("[data-search]");
		box?.focus();
		box?.select();
		return !!box;
	}
	return false;
}
