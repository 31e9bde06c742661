// Requests to the service, with the token, streamed progress, cancellation and the connection's state.
import { signal } from "@preact/signals";

const TOKEN = "musicae token";

/** Whether the service answered the last request. The page works without it, except for requests. */
export const connected = signal(true);
/** Whether the service refused the token, because it was restarted and has a new address. */
export const refused = signal(false);

/** An error message of the service for the musician. */
export class ServerError extends Error {
  constructor(
    message: string,
    readonly status: number,
  ) {
    super(message);
  }
}

/** The service cannot be reached. */
export class Unreachable extends Error {}

/** Read the token from the page's address, and remove it there. */
export function takeToken(): void {
  const token = new URLSearchParams(location.hash.slice(1)).get("token");
  if (token) {
    localStorage.setItem(TOKEN, token);
    history.replaceState(null, "", location.pathname + location.search);
  }
}

function headers(extra: Record<string, string> = {}): Record<string, string> {
  const token = localStorage.getItem(TOKEN);
  return token ? { Authorization: `Bearer ${token}`, ...extra } : extra;
}

async function reach(path: string, init: RequestInit): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(path, init);
  } catch (error) {
    if (init.signal?.aborted) throw error;
    connected.value = false;
    throw new Unreachable();
  }
  connected.value = true;
  refused.value = response.status === 401;
  if (!response.ok) {
    const body = await response.json().catch(() => null);
    throw new ServerError(body?.error?.message ?? response.statusText, response.status);
  }
  return response;
}

export async function get<T>(path: string, signal?: AbortSignal): Promise<T> {
  return (await reach(path, { headers: headers(), signal: signal ?? null })).json();
}

/** Get a file that needs the token, such as the SoundFont. */
export async function bytes(path: string): Promise<ArrayBuffer> {
  return (await reach(path, { headers: headers() })).arrayBuffer();
}

export interface Watching {
  signal?: AbortSignal;
  /** Called with the progress, 0 to 1. */
  progress?: (share: number) => void;
}

/** Request a computation, and return its result. */
export async function compute<T>(path: string, body: unknown, watching: Watching = {}): Promise<T> {
  const response = await reach(path, {
    method: "POST",
    headers: headers({ "Content-Type": "application/json", Accept: "application/x-ndjson" }),
    body: JSON.stringify(body),
    signal: watching.signal ?? null,
  });
  if (!response.headers.get("Content-Type")?.includes("ndjson")) return response.json();
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) break;
      text += value;
      const lines = text.split("\n");
      text = lines.pop()!;
      for (const line of lines) {
        if (!line) continue;
        const message = JSON.parse(line);
        if ("progress" in message) {
          const [made, of] = message.progress;
          watching.progress?.(of ? made / of : 0);
        } else if ("error" in message) throw new ServerError(message.error.message, 422);
        else return message.result as T;
      }
    }
  } catch (error) {
    if (watching.signal?.aborted || error instanceof ServerError) throw error;
  }
  connected.value = false;
  throw new Unreachable();
}

/** Send bytes, such as a dropped file. */
export async function send<T>(path: string, file: Blob): Promise<T> {
  const response = await reach(path, {
    method: "POST",
    headers: headers({ "Content-Type": "application/octet-stream" }),
    body: file,
  });
  return response.json();
}

/** Ask for a file, and return it with its name. */
export async function download(path: string, body: unknown, signal?: AbortSignal): Promise<File> {
  const response = await reach(path, {
    method: "POST",
    headers: headers({ "Content-Type": "application/json" }),
    body: JSON.stringify(body),
    signal: signal ?? null,
  });
  const told = response.headers.get("Content-Disposition") ?? "";
  const encoded = /filename\*=UTF-8''([^;]+)/i.exec(told)?.[1];
  const plain = /filename="([^"]*)"/i.exec(told)?.[1];
  const name = encoded ? decodeURIComponent(encoded) : (plain ?? "chorale");
  const blob = await response.blob();
  return new File([blob], name, { type: blob.type });
}

/** While the service is away, ask every two seconds whether it is back. */
export function watchConnection(): void {
  setInterval(() => {
    if (!connected.value || refused.value) void get("/api/about").then(() => {}, () => {});
  }, 2000);
}
