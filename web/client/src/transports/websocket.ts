import { readEnding } from "../closing.js";
import { parseFrame } from "../wire.js";
import { encodeResume, hasAny, type Link, type Opening } from "./link.js";

/** The native protocol. A token goes in the first frame, where no log sees it; a cookie goes by itself. */
export function openWebSocket(opening: Opening): Link {
  const { environment, listener, token, resume } = opening;
  const query = !token && hasAny(resume) ? `?resume=${encodeResume(resume)}` : "";
  if (!environment.WebSocket) throw new Error("there is no WebSocket here");
  const socket = new environment.WebSocket(opening.socketUrl + query, ["hubbub.v1"]);
  socket.onopen = () => {
    if (token) socket.send(JSON.stringify({ type: "auth", token, ...(hasAny(resume) ? { resume } : {}) }));
  };
  socket.onmessage = ({ data }: { data: unknown }) => {
    const text = String(data);
    const frame = parseFrame(text);
    if (frame) listener.frame(frame, text.length);
  };
  socket.onclose = ({ code, reason }: { code: number; reason: string }) => {
    listener.ended(readEnding(code, reason));
  };
  return {
    send: (text) => socket.send(text),
    close() {
      socket.onopen = socket.onmessage = socket.onclose = null;
      socket.onerror = () => {};
      socket.close(1000);
    },
  };
}
