// The views that are not needed for the first paint: each group is loaded when it is first gone to.
import type { ComponentType } from "preact";
import type { View } from "../route";

const tables = (name: "Interfaces" | "Locks" | "Ports" | "Recovery" | "Plugins") => () => import("./tables").then((m) => m[name] as ComponentType);
export const pages: Record<Exclude<View, "now">, () => Promise<ComponentType>> = {
	map: () => import("./map").then((m) => m.MapView),
	devices: () => import("./devices").then((m) => m.Devices),
	processes: () => import("./processes").then((m) => m.Processes),
	interfaces: tables("Interfaces"),
	locks: tables("Locks"),
	ports: tables("Ports"),
	recovery: tables("Recovery"),
	plugins: tables("Plugins"),
	log: () => import("./log").then((m) => m.LogView),
	plots: () => import("./plots").then((m) => m.Plots),
};
