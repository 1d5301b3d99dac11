/** What the client needs of the world; tests bring their own. */
export interface Environment {
  /** Milliseconds. */
  now(): number;
  random(): number;
  /** Calls back once; answers with a way to cancel. */
  after(ms: number, callback: () => void): () => void;
  WebSocket: (new (url: string, protocols: string[]) => WebSocketLike) | undefined;
  fetch: typeof fetch;
  isOnline(): boolean;
  /** The browser came online or the tab became visible; or the network went. Answers with a way to stop. */
  watch(onWake: () => void, onOffline: () => void): () => void;
}

/** As much of a WebSocket as is used: the browser's, Node 22's, or that of the package `ws`. */
export interface WebSocketLike {
  readyState: number;
  onopen: ((event: never) => void) | null;
  onmessage: ((event: never) => void) | null;
  onclose: ((event: never) => void) | null;
  onerror: ((event: never) => void) | null;
  send(text: string): void;
  close(code?: number): void;
}

/** The browser's, or Node's. */
export function ownEnvironment(): Environment {
  const scope = globalThis as Partial<Window> & typeof globalThis;
  return {
    now: () => performance.now(),
    random: Math.random,
    after(ms, callback) {
      const timer = setTimeout(callback, ms);
      return () => clearTimeout(timer);
    },
    WebSocket: scope.WebSocket,
    fetch: (input, init) => fetch(input, init),
    isOnline: () => scope.navigator?.onLine !== false,
    watch: (onWake, onOffline) => watchBrowser(scope, onWake, onOffline),
  };
}

function watchBrowser(scope: Partial<Window>, onWake: () => void, onOffline: () => void): () => void {
  if (!scope.addEventListener || !scope.document) return () => {};
  const { document } = scope;
  const onVisible = () => {
    if (document.visibilityState === "visible") onWake();
  };
  scope.addEventListener("online", onWake);
  scope.addEventListener("offline", onOffline);
  document.addEventListener("visibilitychange", onVisible);
  return () => {
    scope.removeEventListener?.("online", onWake);
    scope.removeEventListener?.("offline", onOffline);
    document.removeEventListener("visibilitychange", onVisible);
  };
}
