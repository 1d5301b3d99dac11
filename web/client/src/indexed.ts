/** Keeps unsent messages in IndexedDB: they survive a reload, and a browser that was closed. */
import type { Draft, OutboxStore } from "./outbox.js";

/** One for each person: `name` should hold the user's id. */
export function indexedOutbox(name: string): OutboxStore {
  const opened = new Promise<IDBDatabase>((resolve, reject) => {
    const request = indexedDB.open(`hubbub-outbox-${name}`, 1);
    request.onupgradeneeded = () => {
      const drafts = request.result.createObjectStore("drafts", { autoIncrement: true });
      drafts.createIndex("id", "client_message_id");
    };
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  return {
    load: async () => {
      const drafts = (await opened).transaction("drafts").objectStore("drafts");
      return settled<Draft[]>(drafts.getAll());
    },
    put: async (draft) => {
      const drafts = (await opened).transaction("drafts", "readwrite").objectStore("drafts");
      await settled(drafts.add(draft));
    },
    remove: async (id) => {
      const drafts = (await opened).transaction("drafts", "readwrite").objectStore("drafts");
      const key = await settled(drafts.index("id").getKey(id));
      if (key !== undefined) await settled(drafts.delete(key));
    },
  };
}

function settled<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
