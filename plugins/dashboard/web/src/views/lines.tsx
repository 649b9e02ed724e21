// Lines of a log: follows the end unless somebody has scrolled up, marks what is searched for. Only what is near the window is in the page.
import { useEffect, useRef, useState } from "preact/hooks";
import { clock } from "../format";
import { t } from "../texts";

export interface Line {
	id: number;
	at: number;
	kind: string; // error, warn, info, debug; stdout, stderr, keeper
	who?: string;
	text: string;
}

const atOnce = 400;

export function Lines({ lines, search, empty, label }: { lines: Line[]; search: string; empty: string; label: string }) {
	const box = useRef<HTMLDivElement>(null);
	const [follows, setFollows] = useState(true);
	const [more, setMore] = useState(atOnce);
	const wanted = search.trim().toLowerCase();
	const found = wanted ? lines.filter((l) => l.text.toLowerCase().includes(wanted) || l.who?.toLowerCase().includes(wanted)) : lines;
	const shown = found.slice(-more);
	useEffect(() => {
		if (follows && box.current) box.current.scrollTop = box.current.scrollHeight;
	}, [shown.at(-1)?.id, shown.length, follows]);
	const onScroll = () => {
		const b = box.current!;
		const isAtEnd = b.scrollHeight - b.scrollTop - b.clientHeight < 30;
		if (isAtEnd !== follows) setFollows(isAtEnd);
		if (b.scrollTop < 60 && shown.length < found.length) setMore((n) => n + atOnce);
	};
	return (
		<div class="logbox">
			<div ref={box} class="log" role="log" aria-label={label} aria-live="off" tabIndex={0} onScroll={onScroll}>
				{!shown.length && <p class="empty">{empty}</p>}
				{shown.map((l) => (
					<p key={l.id} class={l.kind}>
						<span class="when">{clock(l.at)}</span> {l.who && <span class="who">{l.who}</span>} {l.kind !== "stdout" && l.kind !== "info" && <span class="kind">{l.kind}</span>} <Marked text={l.text} wanted={wanted} />
					</p>
				))}
			</div>
			<div class="logfoot">
				<span class="dim">{wanted ? t.procs.matches(found.length) : t.procs.lines(lines.length)}</span>
				<label><input type="checkbox" checked={follows} onChange={(e) => setFollows(e.currentTarget.checked)} /> {t.procs.follow}</label>
			</div>
		</div>
	);
}

function Marked({ text, wanted }: { text: string; wanted: string }) {
	if (!wanted) return <>{text}</>;
	const parts = [];
	const low = text.toLowerCase();
	let from = 0;
	for (let i = low.indexOf(wanted); i >= 0 && parts.length < 100; i = low.indexOf(wanted, from)) {
		parts.push(text.slice(from, i), <mark key={i}>{text.slice(i, i + wanted.length)}</mark>);
		from = i + wanted.length;
	}
	return <>{parts}{text.slice(from)}</>;
}
