// Reads a JSON array of objects from stdin, and prints what the schema of each one's kind has
// against it, a line an error. The schemas are those of a directory of npm packages.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [directory] = process.argv.slice(2);
const packages = {
  "gateway.networking.k8s.io": "gateway-api",
  "keda.sh": "keda",
  "monitoring.coreos.com": "prometheus-operator",
};

for (const object of JSON.parse(readFileSync(0, "utf8"))) {
  const [group, version] = object.apiVersion.split("/");
  const file = `${directory}/@kubernetes-models/${packages[group]}/${group}/${version}/${object.kind}.js`;
  const model = (await import(pathToFileURL(file)))[object.kind];
  try {
    new model(object).validate();
  } catch (error) {
    console.log(`${object.kind} ${object.metadata.name}: ${error.message}`);
  }
}
