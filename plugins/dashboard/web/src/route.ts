// The address after #: #/view, or #/view/what.
import { signal } from "@preact/signals";

export const views = ["now", "map", "devices", "processes", "interfaces", "locks", "ports", "recovery", "plugins", "log", "plots"] as const;
export type View = (typeof views)[number];

function parse(): { view: View; what: string } {
	const [, name = "", ...rest] = location.hash.split("/");
	let what = rest.join("/");
	try {
		what = decodeURIComponent(what);
	} catch {
		/* taken as it is */
	}
	return { view: (views as readonly string[]).includes(name) ? (name as View) : "now", what };
}
export const route = signal(parse());
window.addEventListener("hashchange", () => (route.value = parse()));
export const go = (view: View, what = "") => (location.hash = `#/${view}${what && `/${encodeURIComponent(what)}`}`);
