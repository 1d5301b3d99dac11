// Shows the OpenAPI document. Texts go into the page as text only.

function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children.filter((child) => child !== null));
  return made;
}

const last = (reference) => reference.split("/").pop();

/** A schema as one would write it down: `{"id": integer, "name"?: string | null}`. */
function shape(schema, contract, indent = "", open = []) {
  if (schema === undefined || schema === true) return "any";
  if (schema.$ref) {
    const name = last(schema.$ref);
    if (open.includes(name)) return name;
    return shape(contract.components.schemas[name], contract, indent, [...open, name]);
  }
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices) return choices.map((choice) => shape(choice, contract, indent, open)).join(" | ");
  if (schema.allOf && !schema.properties) return shape(schema.allOf[0], contract, indent, open);
  const types = [schema.type ?? "any"].flat();
  return types.map((type) => shapeOf(type, schema, contract, indent, open)).join(" | ");
}

function shapeOf(type, schema, contract, indent, open) {
  if (type === "array") return `[${shape(schema.items, contract, indent, open)}]`;
  if (type === "object" && schema.properties) {
    const deeper = `${indent}  `;
    const lines = Object.entries(schema.properties).map(([name, field]) => {
      const optional = schema.required?.includes(name) ? "" : "?";
      return `${deeper}"${name}"${optional}: ${shape(field, contract, deeper, open)}`;
    });
    return `{\n${lines.join(",\n")}\n${indent}}`;
  }
  if (type === "object" && schema.additionalProperties) {
    return `{any: ${shape(schema.additionalProperties, contract, indent, open)}}`;
  }
  return schema.format ? `${type} (${schema.format})` : type;
}

function table(title, rows) {
  if (rows.length === 0) return null;
  const line = (row) => element("tr", {}, ...row.map((cell) => element("td", {}, cell)));
  const body = element("table", {}, ...rows.map(line));
  return element("section", {}, element("h3", {}, title), body);
}

function example(title, schema, contract) {
  const text = element("pre", {}, shape(schema, contract));
  return element("section", {}, element("h3", {}, title), text);
}

function operation(path, method, operation, contract) {
  const head = element(
    "summary", {},
    element("span", { className: `method ${method}` }, method),
    element("code", {}, path),
    element("span", { className: "quiet" }, operation.summary),
  );
  const details = element("details", { id: operation.operationId }, head);
  // Written when it is opened: there are many.
  details.addEventListener("toggle", () => {
    if (details.open && details.children.length === 1) details.append(insides(operation, contract));
  });
  details.dataset.words = `${method} ${path} ${operation.summary}`.toLowerCase();
  return details;
}

function insides(operation, contract) {
  const parameters = operation.parameters.map((parameter) => [
    element("code", {}, parameter.name),
    parameter.in + (parameter.required ? "" : ", optional"),
    [shape(parameter.schema, contract), parameter.schema.description ?? ""].join("\n"),
  ]);
  const body = operation.requestBody?.content["application/json"].schema;
  const answers = Object.entries(operation.responses);
  const successes = answers.filter(([, answer]) => answer.content?.["application/json"]);
  const statuses = answers.map(([status, answer]) => [
    element("code", {}, status),
    answer.description.replaceAll("`", "").replaceAll("\n\n", "\n"),
  ]);
  const who = operation.security.length > 0 ? "For who is signed in." : "For everybody.";
  return element(
    "div", {}, element("p", {}, who),
    table("Parameters", parameters),
    body ? example("Body", body, contract) : null,
    ...successes.map(([status, answer]) =>
      example(`Answer ${status}`, answer.content["application/json"].schema, contract)),
    table("Statuses", statuses),
  );
}

function show(contract) {
  const content = document.getElementById("content");
  const sections = new Map();
  for (const [path, methods] of Object.entries(contract.paths)) {
    for (const [method, told] of Object.entries(methods)) {
      const tag = told.tags[0];
      const title = element("h2", {}, tag.replaceAll("_", " "));
      if (!sections.has(tag)) sections.set(tag, element("section", {}, title));
      sections.get(tag).append(operation(path, method, told, contract));
    }
  }
  const about = contract.info.description.split("\n\n").map((text) => element("p", {}, text.replaceAll("`", "")));
  content.replaceChildren(...about, ...sections.values());
}

function filter(words) {
  for (const details of document.querySelectorAll("details")) {
    details.hidden = !details.dataset.words.includes(words.toLowerCase());
  }
  for (const section of document.querySelectorAll("main > section")) {
    section.hidden = section.querySelector("details:not([hidden])") === null;
  }
}

const answer = await fetch("/api/v1/openapi.json");
if (answer.ok) show(await answer.json());
else document.getElementById("content").textContent = `The document cannot be read: ${answer.status}.`;
document.getElementById("search").addEventListener("input", (event) => filter(event.target.value));
