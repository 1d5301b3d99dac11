/** Signs a person in, with tokens and no cookie: two people share this browser. */
import type { Person } from "./types.js";

interface Signed {
  user: Person;
  access_token: string;
  refresh_token: string;
}

export class Session {
  readonly user: Person;
  token: string;
  #refresh: string;

  private constructor(signed: Signed) {
    this.user = signed.user;
    this.token = signed.access_token;
    this.#refresh = signed.refresh_token;
  }

  static async open(username: string): Promise<Session> {
    return new Session(await post("/auth/login", { username, password: "hubbub-demo" }));
  }

  /** For the client: the token there is, or another. */
  source = async (why: "connect" | "expired"): Promise<string> => {
    if (why === "connect") return this.token;
    const signed = await post("/auth/refresh", { refresh_token: this.#refresh });
    this.#refresh = signed.refresh_token;
    return (this.token = signed.access_token);
  };

  async get<T>(path: string): Promise<T> {
    const response = await this.#ask("GET", path);
    if (!response.ok) throw new Error(`${path}: ${response.status}`);
    return (await response.json()) as T;
  }

  /** Asks to be friends; who was asked by the other one already, is. */
  async befriend(other: Person): Promise<void> {
    const response = await this.#ask("POST", `/friends/request/${other.id}`);
    // Those who are friends already are told so.
    if (!response.ok && response.status !== 409) throw new Error(`friends: ${response.status}`);
  }

  #ask(method: string, path: string): Promise<Response> {
    const headers = { authorization: `Bearer ${this.token}` };
    return fetch(`/api/v1${path}`, { method, headers, credentials: "omit" });
  }
}

async function post(path: string, body: object): Promise<Signed> {
  const response = await fetch(`/api/v1${path}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    credentials: "omit",
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
  return (await response.json()) as Signed;
}
