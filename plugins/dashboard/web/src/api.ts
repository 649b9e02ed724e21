// Requests to the daemon: the token, the ordinary error shape, a limit for every wait.
import { signal } from "@preact/signals";

const key = "patchbay-token";
const stored = () => {
	try {
		return sessionStorage.getItem(key) ?? "";
	} catch {
		return "";
	}
};
export const token = signal(stored());
/// Set while the daemon refuses us: "" for the first time, else what was refused.
export const tokenNeeded = signal<null | { refused: boolean }>(null);

export function useToken(value: string) {
	token.value = value;
	try {
		sessionStorage.setItem(key, value);
	} catch {
		/* a browser that keeps nothing: this page still has it */
	}
	tokenNeeded.value = null;
}

export const headers = (): Record<string, string> => (token.value ? { Authorization: `Bearer ${token.value}` } : {});

export class ApiError extends Error {
	constructor(readonly status: number, readonly code: string, text: string) {
		super(text);
	}
}

export function askForToken() {
	tokenNeeded.value = { refused: token.value !== "" };
}

const url = (path: string) => (path.startsWith("/") ? path : `/api/webhook/${path}`);

export async function request(method: string, path: string, body?: unknown, limit = 30_000): Promise<any> {
	const abort = new AbortController();
	const timer = setTimeout(() => abort.abort(), limit);
	try {
		const r = await fetch(url(path), {
			method, signal: abort.signal, cache: "no-store", body: body === undefined ? undefined : JSON.stringify(body),
			headers: { ...headers(), ...(body === undefined ? {} : { "Content-Type": "application/json" }) },
		});
		const date = Date.parse(r.headers.get("Date") ?? "");
		if (Number.isFinite(date)) clockOffset.value = Math.abs(date - Date.now()) < 1500 ? 0 : date - Date.now();
		const text = await r.text();
		let value: any = null;
		try {
			value = JSON.parse(text);
		} catch {
			if (r.ok) throw new ApiError(r.status, "", "the answer is no JSON");
		}
		if (r.ok) return value;
		if (r.status === 401) askForToken();
		throw new ApiError(r.status, typeof value?.error === "string" ? value.error : (value?.error?.code ?? ""), value?.message ?? `${r.status}`);
	} catch (e) {
		if (e instanceof ApiError) throw e;
		throw new ApiError(0, "", abort.signal.aborted ? `no answer within ${limit / 1000} s` : "no answer");
	} finally {
		clearTimeout(timer);
	}
}

/// The daemon's clock less ours, ms; 0 where they agree to a second.
export const clockOffset = signal(0);

export const get = (path: string, limit?: number) => request("GET", path, undefined, limit);
export const post = (path: string, body: unknown = {}, limit = 120_000) => request("POST", path, body, limit);
export const call = async (method: string, args: unknown = {}, limit?: number) => (await post(`call/${encodeURIComponent(method)}`, args, limit)).result;
