// A part of a view that is loaded when it is first drawn; until then its fallback stands there.
import type { ComponentChildren, ComponentType, JSX } from "preact";
import { createContext } from "preact";
import { useContext, useEffect, useState } from "preact/hooks";

const Fallback = createContext<ComponentChildren>(null);
export const Suspense = ({ fallback, children }: { fallback: ComponentChildren; children: ComponentChildren }) => <Fallback.Provider value={fallback}>{children}</Fallback.Provider>;

export function lazy<P extends object>(load: () => Promise<ComponentType<P>>): (props: P) => JSX.Element {
	let loaded: ComponentType<P> | null = null;
	return function Lazy(props: P) {
		const [, redraw] = useState(0);
		const fallback = useContext(Fallback);
		useEffect(() => {
			if (!loaded) void load().then((c) => ((loaded = c), redraw(1)), () => undefined);
		}, []);
		const C = loaded;
		return C ? <C {...props} /> : <>{fallback}</>;
	};
}
