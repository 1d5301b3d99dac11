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
  name: string;
  token: string;
}

const password = "correct horse battery";

async function ask(path: string, body: unknown, person?: Person): Promise<Record<string, any>> {
  const headers: Record<string, string> = { "content-type": "application/json" };
  if (person) headers["authorization"] = `Bearer ${person.token}`;
  const answer = await fetch(`${url}/api/v1${path}`, { method: "POST", headers, body: JSON.stringify(body) });
  assert.ok(answer.ok, `${path}: ${answer.status} ${await answer.clone().text()}`);
  return answer.status === 204 ? {} : answer.json();
}

async function signUp(): Promise<Person> {
  const username = `sio${crypto.randomUUID().slice(0, 12).replaceAll("-", "")}`;
  const form = {
    username,
    name: username,
    email: `${username}@example.com`,
    password,
  };
  const credentials = await ask("/auth/register", form);
  return { id: String(credentials["user"].id), name: username, token: credentials["access_token"] };
}

/** Another session of the same person, and the browser's cookie of it. */
async function signIn({ id, name }: Person): Promise<Person & { cookie: string }> {
  const answer = await fetch(`${url}/api/v1/auth/login`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ username: name, password }),
  });
  assert.ok(answer.ok, `${answer.status} ${await answer.clone().text()}`);
  const cookie = answer.headers.getSetCookie().find((cookie) => cookie.startsWith("session="));
  const { access_token: token } = await answer.json();
  return { id, name, token, cookie: cookie?.split(";")[0] ?? assert.fail("no cookie") };
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

const connect = ({ token }: Person, options: Options): Promise<Ear> => enter({ token }, options);

async function enter(auth: Record<string, string>, options: Options): Promise<Ear> {
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

async function befriended(): Promise<[ana: Person, bo: Person]> {
  const [ana, bo] = await Promise.all([signUp(), signUp()]);
  await ask(`/friends/request/${ana.id}`, {}, bo);
  await ask(`/friends/accept/${bo.id}`, {}, ana);
  return [ana, bo];
}

/** Has somebody say something, and waits until it is heard. */
async function isTold(ear: Ear, from: Person, to: Person): Promise<void> {
  const content = unique("Hello");
  await ask("/messages", { to: Number(to.id), content }, from);
  await ear.hears("new_message", (message) => message.content === content);
}

for (const [name, options] of transports) {
  test(`by ${name}, who is put out stays out, and comes back by connect() as somebody who may`, async () => {
    const [ana, bo] = await befriended();
    const ear = await connect(bo, options);
    const { socket } = ear;
    const { engine } = socket.io;
    const out = new Promise<string>((resolve) => socket.once("disconnect", resolve));
    await ask("/auth/logout", {}, bo);
    assert.equal(await out, "io server disconnect");
    assert.equal(
      ear.count("close", (why) => why.name === "session_revoked"),
      1,
    );
    assert.equal(socket.active, false, "it does not come back by itself");

    const refused = new Promise<any>((resolve) => socket.once("connect_error", resolve));
    socket.connect();
    assert.equal((await refused).data.code, "session_revoked");
    assert.equal(socket.active, false);

    socket.auth = { token: (await signIn(bo)).token };
    socket.connect();
    await ear.until(() => socket.connected, "the way back");
    // The library closes an engine with its last namespace, whichever side ended that.
    assert.notEqual(socket.io.engine, engine);
    await isTold(ear, ana, bo);
  });

  test(`by ${name}, the page's cookie says who it is`, async () => {
    const [ana, bo] = await befriended();
    const { cookie } = await signIn(bo);
    const page = { ...options, withCredentials: true, extraHeaders: { cookie, origin: url } };
    const ear = await enter({}, page);
    await isTold(ear, ana, bo);
    ear.socket.io.engine.close();
    await ear.until(() => !ear.socket.connected, "the break");
    await isTold(ear, ana, bo);
    assert.equal(ear.socket.recovered, true);

    // Browsers send it for whoever's page asks.
    const foreign = { cookie, origin: "https://elsewhere.example" };
    await assert.rejects(enter({}, { ...options, extraHeaders: foreign }), ({ data }: any) => {
      assert.equal(data.code, "origin_not_allowed");
      return true;
    });
  });
}
