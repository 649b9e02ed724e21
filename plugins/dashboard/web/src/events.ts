// Server-Sent Events by fetch: EventSource cannot send a token. One reader for the event stream and for a log that is followed.
import { askForToken, headers } from "./api";

export interface Event {
	event: string;
	id: string;
	data: string;
}

export class Refused extends Error {
	constructor(readonly status: number) {
		super(String(status));
	}
}

const mostLine = 64 << 20; // a value that is larger than any the daemon has: something else speaks here

/// Reads until the stream ends or is aborted. on_bytes: something came, if only a comment.
export async function read(url: string, abort: AbortController, more: Record<string, string>, onEvents: (events: Event[]) => void, onBytes: () => void): Promise<void> {
	const r = await fetch(url, { headers: { ...headers(), Accept: "text/event-stream", ...more }, cache: "no-store", signal: abort.signal });
	if (r.status === 401) askForToken();
	if (!r.ok || !r.body) throw new Refused(r.status);
	onBytes();
	const reader = r.body.pipeThrough(new TextDecoderStream()).getReader();
	let rest = "";
	let now: Event = { event: "message", id: "", data: "" };
	for (;;) {
		const { value, done } = await reader.read();
		if (done) return;
		onBytes();
		const lines = (rest + value).split("\n");
		rest = lines.pop()!;
		if (rest.length > mostLine) throw new Error("a line without an end");
		const events: Event[] = [];
		for (const line of lines) {
			if (line === "") {
				if (now.data) events.push(now);
				now = { event: "message", id: "", data: "" };
			} else if (line.startsWith("data:")) now.data += (now.data && "\n") + line.slice(line[5] === " " ? 6 : 5);
			else if (line.startsWith("event:")) now.event = line.slice(6).trim();
			else if (line.startsWith("id:")) now.id = line.slice(3).trim();
		}
		if (events.length) onEvents(events);
	}
}
