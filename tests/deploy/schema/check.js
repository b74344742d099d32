// Types every Kubernetes object and every dashboard by its published schema and lets tsc judge: unknown fields, wrong
// types and missing fields are errors.
//   node check.js WORKDIR objects.yaml... dashboard.json...
const fs = require('fs'), path = require('path'), { execFileSync } = require('child_process'), yaml = require('js-yaml');

const [work, ...files] = process.argv.slice(2);
const KINDS = { v1: 'core/v1', 'apps/v1': 'apps/v1', 'batch/v1': 'batch/v1', 'policy/v1': 'policy/v1', 'autoscaling/v2': 'autoscaling/v2',
                'networking.k8s.io/v1': 'networking/v1' };
const skipped = new Set();
let n = 0;

function write(imports, type, object) {
    // The one enum of the schema: its values are texts in JSON.
    const value = JSON.stringify(object, null, 1).replaceAll('"mode": "absolute"', '"mode": ThresholdsMode.Absolute');
    fs.writeFileSync(path.join(work, `object${n++}.ts`), `${imports}\nexport const o: ${type} = ${value};\n`);
}

for (const file of files) {
    const text = fs.readFileSync(file, 'utf8');
    if (file.endsWith('.json')) {
        write("import { Dashboard, ThresholdsMode } from '@grafana/schema/dist/esm/raw/dashboard/x/Dashboard_types.gen';", 'Dashboard',
              JSON.parse(text));
        continue;
    }
    for (const object of yaml.loadAll(text).filter(Boolean)) {
        const module = KINDS[object.apiVersion];
        if (module)
            write(`import type { ${object.kind} } from 'kubernetes-types/${module}';`, object.kind, object);
        else
            skipped.add(`${object.apiVersion} ${object.kind}`);
    }
}
fs.symlinkSync(path.join(__dirname, 'node_modules'), path.join(work, 'node_modules'));
const tsc = path.join(__dirname, 'node_modules/.bin/tsc');
const objects = fs.readdirSync(work).filter((f) => f.endsWith('.ts')).map((f) => path.join(work, f));
try {
    execFileSync(tsc, ['--noEmit', '--strict', '--skipLibCheck', '--moduleResolution', 'bundler', '--module', 'esnext', ...objects],
                 { stdio: 'inherit' });
} catch {
    process.exit(1);
}
console.log(`${n} objects conform` + (skipped.size ? `; without a schema here: ${[...skipped].join(', ')}` : ''));
