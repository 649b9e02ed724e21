// Dark, light and red night mode, or as the system has it; kept in this browser.
import { signal } from "@preact/signals";

export type Theme = "auto" | "dark" | "light" | "night";
const order: Theme[] = ["auto", "dark", "light", "night"];
const key = "patchbay-theme";
const stored = () => {
	try {
		return localStorage.getItem(key) as Theme;
	} catch {
		return null;
	}
};
export const theme = signal<Theme>(order.includes(stored()!) ? stored()! : "auto");
/// Counts changes of what is seen: canvases draw anew.
export const themeSeen = signal(0);

const light = matchMedia("(prefers-color-scheme: light)");
export function apply() {
	const root = document.documentElement;
	root.dataset.theme = theme.value === "auto" ? (light.matches ? "light" : "dark") : theme.value;
	document.querySelector('meta[name="theme-color"]')?.setAttribute("content", getComputedStyle(root).getPropertyValue("--bg").trim());
	themeSeen.value++;
}
light.addEventListener("change", apply);

export function nextTheme() {
	theme.value = order[(order.indexOf(theme.value) + 1) % order.length];
	try {
		localStorage.setItem(key, theme.value);
	} catch {
		/* then it holds for this page */
	}
	apply();
}

export const color = (name: string) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
