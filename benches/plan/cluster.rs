//! Clusters of any size, as files.

use std::fmt::Write;

use bricklayer::kinds::Spec;
use bricklayer::spec;

/// How large a cluster is.
#[derive(Clone, Copy)]
pub struct Shape {
    nodes: usize,
    volumes: usize,
    /// Replica sets of two bricks in each volume.
    sets: usize,
}

impl Shape {
    /// About `objects` objects on `nodes` nodes: volumes of two bricks, each mounted on the nodes of its bricks.
    pub const fn of(objects: usize, nodes: usize) -> Self {
        Self { nodes, volumes: (objects - nodes) / 4, sets: 1 }
    }

    /// About `objects` objects on `nodes` nodes: a single volume.
    pub const fn one_volume(objects: usize, nodes: usize) -> Self {
        Self { nodes, volumes: 1, sets: (objects - nodes - 2) / 2 }
    }

    /// How many nodes, volumes, bricks and mounts there are.
    pub fn objects(self) -> usize {
        self.nodes + self.volumes * (2 + 2 * self.sets)
    }

    /// The file.
    pub fn yaml(self) -> String {
        let mut yaml =
            String::from("apiVersion: bricklayer/v1\ncluster: bench\ntransport: ssh\nhosts: managed\nnodes:\n");
        for node in 0..self.nodes {
            let ip = format!("10.9.{}.{}", node / 250, node % 250 + 1);
            let _ = writeln!(yaml, "  n{node:03}: {{addresses: {{storage: {{name: n{node:03}m, ip: {ip}}}}}}}");
        }
        let mut mounts = String::from("mounts:\n");
        yaml.push_str("volumes:\n");
        for volume in 0..self.volumes {
            // Neighbours hold a set, so that no set lies on one node.
            let brick = |number: usize| format!("n{:03}:/b/{number}/brick", number % self.nodes);
            let first = volume * 2 * self.sets;
            let bricks: Vec<String> = (first..first + 2 * self.sets).map(brick).collect();
            let bricks = bricks.join(", ");
            let _ = writeln!(yaml, "  v{volume}: {{replica: 2, bricks: [{bricks}], profile: db-workload}}");
            let (one, other) = (first % self.nodes, (first + 1) % self.nodes);
            let nodes = format!("[n{one:03}, n{other:03}]");
            let _ = writeln!(mounts, "  m{volume}: {{volume: v{volume}, path: /data/{volume}, nodes: {nodes}}}");
        }
        yaml + &mounts
    }

    /// What the file says.
    pub fn spec(self) -> Spec {
        let loaded = spec::from_bytes("bench.yaml", self.yaml().into_bytes());
        loaded.spec.unwrap_or_else(|| panic!("{:#?}", loaded.findings))
    }
}
