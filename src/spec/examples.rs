//! The files that people read first are tests: `specs/`, the examples in the kinds' docs, and the schema.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value as Json};

use super::tree::{Node, Value};
use super::*;

fn project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// A tree as an editor's YAML reader sees it.
fn as_json(node: &Node) -> Json {
    match &node.value {
        Value::Nothing | Value::Refused => Json::Null,
        Value::Scalar { text, plain: true } => match text.as_str() {
            "true" => true.into(),
            "false" => false.into(),
            text => text.parse::<i64>().map_or_else(|_| text.into(), Json::from),
        },
        Value::Scalar { text, .. } => text.as_str().into(),
        Value::List(items) => items.iter().map(as_json).collect(),
        Value::Map(map) => {
            Json::Object(map.entries().iter().map(|e| (e.key.clone(), as_json(&e.value))).collect::<Map<_, _>>())
        }
    }
}

fn specs() -> Vec<PathBuf> {
    let all = files(&project("specs")).unwrap();
    assert!(all.len() >= 4, "{all:?}");
    all
}

#[test]
fn the_schema_in_the_repository_is_the_one_of_this_source() {
    let written = fs::read_to_string(project("schemas/cluster.json")).unwrap_or_default();
    let hint = "schemas/cluster.json is stale; write it anew: cargo run -- schema > schemas/cluster.json";
    assert!(written == schema(), "{hint}");
}

#[test]
fn every_spec_is_without_errors_and_follows_the_schema() {
    let schema: Json = serde_json::from_str(&schema()).unwrap();
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    for file in specs() {
        let loaded = load(&file).unwrap();
        assert!(loaded.spec.is_some(), "{}: {:?}", file.display(), loaded.findings);
        let tree = load::tree(&loaded.source.text).0.unwrap();
        let errors: Vec<String> =
            validator.iter_errors(&as_json(&tree)).map(|e| format!("{} at {}", e, e.instance_path())).collect();
        assert_eq!(errors, Vec::<String>::new(), "{}", file.display());
    }
    let tree = load::tree(&starter("shop")).0.unwrap();
    assert!(validator.is_valid(&as_json(&tree)));
}

#[test]
fn the_schema_refuses_what_the_loader_refuses_by_shape() {
    let schema: Json = serde_json::from_str(&schema()).unwrap();
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    let good = starter("shop");
    for (from, to) in [
        ("transport: simulated", "transport: telnet"),
        ("cluster: shop", "cluster: a/b"),
        ("replica: 3", "replcia: 3"),
        ("replica: 3", "replica: three"),
        ("node01:/bricks", "node01:bricks"),
        ("path: /data", "path: data"),
        ("  node01: {}", "  -node01: {}"),
    ] {
        assert!(good.contains(from), "{from}");
        let text = good.replace(from, to);
        assert!(!validator.is_valid(&as_json(&load::tree(&text).0.unwrap())), "{to}");
        assert!(from_bytes("t", text.into_bytes()).spec.is_none(), "{to}");
    }
}

#[test]
fn every_spec_tells_an_editor_its_schema() {
    for file in specs() {
        let text = fs::read_to_string(&file).unwrap();
        assert!(text.starts_with("# yaml-language-server: $schema=../schemas/cluster.json\n"), "{}", file.display());
    }
}

#[test]
fn the_example_of_every_kind_can_be_loaded() {
    let mut seen = 0;
    for kind in
        ["cluster", "nodes", "volumes", "mounts", "corosync", "fencing", "domains", "services", "services/resources"]
    {
        let source = fs::read_to_string(project("src/kinds").join(kind).with_extension("rs")).unwrap();
        for example in examples_in(&source) {
            seen += 1;
            let loaded = from_bytes(kind, complete(&example).into_bytes());
            assert!(loaded.spec.is_some(), "{kind}: {:?}\n{}", loaded.findings, loaded.source.text);
        }
    }
    assert!(seen >= 5, "only {seen} examples were found");
}

/// The blocks of YAML in doc comments.
fn examples_in(source: &str) -> Vec<String> {
    let lines = |block: &str| {
        let lines = block.lines().map(str::trim_start).take_while(|line| *line != "/// ```");
        lines.map(|line| line.strip_prefix("/// ").unwrap_or_default()).collect::<Vec<_>>().join("\n") + "\n"
    };
    source.split("/// ```yaml\n").skip(1).map(lines).collect()
}

/// A minimal file around an example, which is a section or a part of an entry.
fn complete(example: &str) -> String {
    let section = example.split(':').next().unwrap_or_default();
    let indented = |by: &str| format!("{by}{}\n", example.trim_end().replace('\n', &format!("\n{by}")));
    let bricks = "bricks: [node01:/bricks/data00/brick, node02:/bricks/data00/brick]";
    let of_the_manager = ["corosync", "quorumDevice", "fenceDevices", "fencing", "failoverDomains", "services"];
    let managed = section == "resources" || of_the_manager.contains(&section);
    let mut parts = vec![
        ("transport", "transport: simulated\n".to_owned()),
        ("nodes", "nodes: {node01: {id: 1}, node02: {id: 2}}\n".to_owned()),
        ("volumes", format!("volumes: {{data00: {{{bricks}}}}}\n")),
    ];
    if managed {
        parts.push(("mounts", "mounts: {gldata00: {volume: data00, path: /gldata00}}\n".to_owned()));
        parts.push(("failoverDomains", "failoverDomains: {dom01: {nodes: {node01: 1, node02: 2}}}\n".to_owned()));
        parts.push(("services", "services: {service01: {resources: [{mount: gldata00}]}}\n".to_owned()));
        if section != "fencing" {
            let device = "{agent: fence_virsh, plugs: {node01: one, node02: two}}";
            parts.push(("fenceDevices", format!("fenceDevices: {{device01: {device}}}\n")));
        }
    }
    let mut text = "apiVersion: bricklayer/v1\ncluster: example\n".to_owned();
    let mut placed = false;
    for (name, part) in parts {
        let part = match (name, section) {
            (name, section) if name == section => example.to_owned(),
            ("nodes", "storage") => {
                format!("nodes:\n  node02: {{}}\n  node01:\n    addresses:\n{}", indented("      "))
            }
            ("volumes", "bricks") => format!("volumes:\n  data00:\n{}", indented("    ")),
            ("services", "resources") => format!("services:\n  service01:\n{}", indented("    ")),
            _ => {
                text.push_str(&part);
                continue;
            }
        };
        placed = true;
        text.push_str(&part);
    }
    if !placed {
        text.push_str(example);
    }
    text
}
