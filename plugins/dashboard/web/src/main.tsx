// The shell: header, navigation, the view that the address names, and what stands over all of them.
import "./styles.css";
import { render, type ComponentType } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { tokenNeeded, useToken } from "./api";
import { span } from "./format";
import { Icon } from "./icons";
import { beginKeys, helpOpen } from "./keys";
import { Mark, Messages, toneOf } from "./parts";
import { route, views, type View } from "./route";
import { begin, link, now, restart, value } from "./store";
import { t } from "./texts";
import { apply, nextTheme, theme } from "./theme";
import { Now } from "./views/now";
import { pages } from "./views/all";
import { wrong } from "./wrong";

function Nav() {
	const bad = wrong.value.length;
	return (
		<nav aria-label={t.nav}>
			{views.map((v) => (
				<a key={v} href={`#/${v}`} aria-current={route.value.view === v ? "page" : undefined}>
					<Icon name={v} />
					<span>{t.views[v]}</span>
					{v === "now" && bad > 0 && <b class="badge" title={t.wrong.count(bad)}>{bad}<span class="hidden"> {t.wrong.title}</span></b>}
				</a>
			))}
		</nav>
	);
}

function Header() {
	const l = link.value;
	const host = value("dashboard/host")?.name;
	return (
		<header class="top">
			<a class="brand" href="#/now">
				<svg viewBox="0 0 64 64" aria-hidden="true"><path d="M18 20c0 22 28 6 28 26" /><circle cx="18" cy="18" r="8" /><circle cx="46" cy="46" r="8" /></svg>
				<span>{host || t.product}</span>
			</a>
			<span class={`linkstate ${toneOf(l.state)}`} data-link={l.state}>
				<Mark tone={toneOf(l.state)} /> {t.link[l.state]}
			</span>
			<span class="gap" />
			<button class="square" onClick={nextTheme} title={t.themes[theme.value]} aria-label={t.themes[theme.value]}><Icon name="theme" /></button>
			<button class="square" onClick={() => (helpOpen.value = true)} title={t.help.open} aria-label={t.help.open}><Icon name="help" /></button>
		</header>
	);
}

/// The link, where it is lost: how long, and when it is tried again.
function Lost() {
	const l = link.value;
	if (l.state !== "lost" && !(l.state === "connecting" && l.next === 0 && now.value - l.since > 3000)) return null;
	const left = Math.max(0, Math.ceil((l.next - now.value) / 1000));
	return (
		<div class="lost" role="alert">
			<span>
				<strong>{t.link.lostFor(span(now.value - l.since))}</strong> {l.why && `${l.why[0].toUpperCase()}${l.why.slice(1)}.`} {t.link.old} <span aria-live="off">{t.link.again(left)}</span>
			</span>
			<button onClick={restart}>{t.link.now}</button>
		</div>
	);
}

function Token() {
	const input = useRef<HTMLInputElement>(null);
	const needed = tokenNeeded.value;
	useEffect(() => input.current?.focus(), [needed]);
	if (!needed) return null;
	return (
		<div class="veil">
			<div role="dialog" aria-modal="true" aria-labelledby="token-title">
			<form class="dialog" onSubmit={(e) => (e.preventDefault(), useToken(input.current!.value.trim()), restart())}>
				<h2 id="token-title">{t.token.title}</h2>
				<p>{needed.refused ? t.token.wrong : ""} {t.token.text}</p>
				<label>{t.token.label} <input ref={input} type="password" name="token" autocomplete="off" required maxLength={4096} /></label>
				<button class="first">{t.token.use}</button>
			</form>
			</div>
		</div>
	);
}

function Help() {
	const button = useRef<HTMLButtonElement>(null);
	useEffect(() => (helpOpen.value ? button.current?.focus() : undefined), [helpOpen.value]);
	if (!helpOpen.value) return null;
	const k = t.help.keys as Record<string, string>;
	return (
		<div class="veil" onClick={() => (helpOpen.value = false)}>
			<div class="dialog" role="dialog" aria-modal="true" aria-labelledby="help-title" onClick={(e) => e.stopPropagation()}>
				<h2 id="help-title">{t.help.title}</h2>
				<dl class="keys">
					{Object.keys(k).filter((n) => !n.endsWith("Text")).map((n) => (
						<div key={n}><dt><kbd>{k[n]}</kbd></dt><dd>{k[`${n}Text`]}</dd></div>
					))}
				</dl>
				<button ref={button} onClick={() => (helpOpen.value = false)}>{t.close}</button>
			</div>
		</div>
	);
}

const loaded = new Map<View, ComponentType>([["now", Now]]);
function Content() {
	const { view } = route.value;
	const [, redraw] = useState(0);
	const [failed, setFailed] = useState("");
	const main = useRef<HTMLElement>(null);
	const View = loaded.get(view);
	useEffect(() => {
		document.title = `${t.views[view]} · ${t.product}`;
		setFailed("");
		if (loaded.has(view)) return;
		pages[view as Exclude<View, "now">]().then((c) => (loaded.set(view, c), redraw((n) => n + 1)), (e) => setFailed(String(e.message ?? e)));
	}, [view, link.value.state === "live" && failed]);
	return (
		<main id="content" ref={main} tabIndex={-1}>
			<h1 class="hidden">{t.views[view]}</h1>
			{View ? <View /> : <p class="empty">{failed || t.loading}</p>}
		</main>
	);
}

function App() {
	return (
		<>
			<a class="skip" href="#content" onClick={(e) => (e.preventDefault(), document.getElementById("content")?.focus())}>{t.skip}</a>
			<Header />
			<Lost />
			<Nav />
			<Content />
			<Messages />
			<Help />
			<Token />
		</>
	);
}

apply();
render(<App />, document.getElementById("app")!);
begin();
beginKeys();
