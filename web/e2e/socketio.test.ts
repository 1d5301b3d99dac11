/** The real `socket.io-client`, through the balancer: whatever transport, with the balancer's affinity and without. */
import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { io, type ManagerOptions, type Socket, type SocketOptions } from "socket.io-client";
import { dev, PATIENCE_MS, unique } from "./running.js";

const url = new URL(process.env["DEMO_URL"] ?? assert.fail("DEMO_URL: run ./dev e2e")).origin;
const open = new Set<Socket>();
afterEach(() => {
  open.forEach((socket) => socket.disconnect());
  open.clear();
});

interface Person {
  id: string;
  token: string;
}

async function ask(path: string, body: unknown, person?: Person): Promise<Record<string, any>> {
  const headers: Record<string, string> = { "content-type": "application/json" };
  if (person) headers["authorization"] = `Bearer ${person.token}`;
  const answer = await fetch(`${url}/api/v1${path}`, { method: "POST", headers, body: JSON.stringify(body) });
  assert.ok(answer.ok, `${path}: ${answer.status} ${await answer.clone().text()}`);
  return answer.json();
}

async function signUp(): Promise<Person> {
  const username = `sio${crypto.randomUUID().slice(0, 12).replaceAll("-", "")}`;
  const form = {
    username,
    name: username,
    email: `${username}@example.com`,
    password: "correct horse battery",
  };
  const credentials = await ask("/auth/register", form);
  return { id: String(credentials["user"].id), token: credentials["access_token"] };
}

/** What somebody hears, kept until it is asked for. */
class Ear {
  private readonly heard: [string, any][] = [];
  private wake = () => {};

  constructor(readonly socket: Socket) {
    socket.onAny((name: string, argument: unknown) => {
      this.heard.push([name, argument]);
      this.wake();
    });
  }

  count(name: string, fits: (argument: any) => boolean): number {
    return this.heard.filter(([heard, argument]) => heard === name && fits(argument)).length;
  }

  contents(): string[] {
    return this.heard.filter(([name]) => name === "new_message").map(([, message]) => message.content);
  }

  /** Waits until it was heard. */
  async hears(name: string, fits: (argument: any) => boolean): Promise<void> {
    await this.until(() => this.count(name, fits) > 0, name);
  }

  async until(holds: () => boolean, what: string): Promise<void> {
    const deadline = Date.now() + PATIENCE_MS;
    while (!holds()) {
      assert.ok(Date.now() < deadline, `${what}: ${JSON.stringify(this.heard)}`);
      await new Promise<void>((resolve) => {
        this.wake = resolve;
        setTimeout(resolve, 50);
      });
    }
  }
}

type Options = Partial<ManagerOptions & SocketOptions>;

async function connect(person: Person, options: Options): Promise<Ear> {
  const auth = { token: person.token };
  const patience = { reconnectionDelay: 50, reconnectionDelayMax: 500, timeout: PATIENCE_MS };
  const socket = io(url, { ...patience, ...options, auth, forceNew: true });
  open.add(socket);
  const ear = new Ear(socket);
  await new Promise<void>((resolve, reject) => {
    socket.once("connect", resolve);
    socket.once("connect_error", (error) => !socket.active && reject(error));
  });
  return ear;
}

/** A session's name begins with its node's. */
const node = (ear: Ear) => ear.socket.io.engine.id?.split(".")[0];

/**
 * On another node than somebody is on. The balancer chooses the node with the fewest requests under way, and a poll
 * waits wherever it landed: so somebody else's WebSockets burden that node until the other one has fewer.
 */
async function connectElsewhere(person: Person, options: Options, than: Ear): Promise<Ear> {
  const stranger = await signUp();
  const burden: Ear[] = [];
  try {
    for (let round = 0; round < 32; round++) {
      const ear = await connect(person, options);
      if (node(ear) !== node(than)) return ear;
      ear.socket.disconnect();
      const more = await connect(stranger, { transports: ["websocket"] });
      if (node(more) === node(than)) burden.push(more);
      else more.socket.disconnect();
    }
  } finally {
    burden.forEach((ear) => ear.socket.disconnect());
  }
  assert.fail("the balancer knows one gateway only");
}

const transports: [string, Options][] = [
  ["websocket", { transports: ["websocket"] }],
  ["polling", { transports: ["polling"] }],
  ["both, with the upgrade", {}],
];

for (const [name, options] of transports) {
  // The client keeps the balancer's cookie where it is told to keep cookies.
  for (const withCredentials of [true, false]) {
    test(`by ${name}, ${withCredentials ? "with" : "without"} affinity`, async () => {
      const [ana, bo] = await Promise.all([signUp(), signUp()]);
      const everything = { ...options, withCredentials };
      const bos = await connect(bo, everything);
      await ask(`/friends/request/${ana.id}`, {}, bo);
      await ask(`/friends/accept/${bo.id}`, {}, ana);
      await bos.hears("new_notification", (told) => told.userId === bo.id);
      const anas = await connectElsewhere(ana, everything, bos);
      await bos.hears("user_online", (id) => id === ana.id);
      if (!options.transports) {
        await bos.until(() => bos.socket.io.engine.transport.name === "websocket", "the upgrade");
      }

      const content = unique("Hello");
      const said = await anas.socket.emitWithAck("send_message", { receiverId: bo.id, content });
      assert.equal(said.error, undefined, JSON.stringify(said));
      await bos.hears("new_message", (message) => message.content === content);
      anas.socket.emit("typing", { receiverId: bo.id });
      await bos.hears("user_typing", (who) => who.userId === ana.id);
      const refused = await anas.socket.emitWithAck("send_message", { receiverId: bo.id });
      assert.ok(refused.error.code);

      // The network breaks; meanwhile something is said.
      bos.socket.io.engine.close();
      await bos.until(() => !bos.socket.connected, "the break");
      const missed = unique("Missed");
      await ask("/messages", { to: Number(bo.id), content: missed }, ana);
      await bos.hears("new_message", (message) => message.content === missed);
      assert.equal(bos.socket.recovered, true);
      assert.deepEqual(bos.contents(), [content, missed]);
    });
  }
}

test("a gateway that is killed in the middle loses nothing, and nothing is said twice", async () => {
  const [ana, bo] = await Promise.all([signUp(), signUp()]);
  await ask(`/friends/request/${ana.id}`, {}, bo);
  await ask(`/friends/accept/${bo.id}`, {}, ana);
  const ears = await Promise.all(transports.map(([, options]) => connect(bo, options)));
  const said: string[] = [];
  const say = async (count: number) => {
    for (; count > 0; count--) {
      const content = unique(`Number ${said.length}`);
      said.push(content);
      await ask("/messages", { to: Number(bo.id), content }, ana);
    }
  };
  await say(10);
  dev("kill", "gateway-1");
  await say(10);
  dev("start", "gateway-1");
  await say(10);
  for (const ear of ears) {
    await ear.until(() => ear.contents().length >= said.length, "all of them");
    assert.deepEqual(ear.contents(), said);
  }
});
