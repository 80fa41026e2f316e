//! How long planning takes, and how it grows: an engine that nobody waits for is one that can look again after
//! every step.
//!
//! Objects are nodes, volumes, bricks and mounts. The answers are text as the programs print it, so reading them is
//! part of what is measured; asking for them is not. `cargo bench` prints the times, and the assertions hold in
//! every run: a cluster that is as written has an empty plan, and an empty one has everything to do.

mod answers;
mod cluster;

use std::hint::black_box;

use answers::{Nodes, facts};
use bricklayer::kinds::{Spec, check_all, status};
use bricklayer::model::{Allow, Facts, Intent};
use bricklayer::{kinds, planner, spec};
use cluster::Shape;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

/// From a first try to a large site.
const SIZES: [Shape; 3] = [Shape::of(10, 2), Shape::of(1_000, 20), Shape::of(10_000, 100)];
/// As many objects, spread over as many nodes as anybody has tried: every node has a view of every other.
const MANY_NODES: Shape = Shape::of(10_000, 500);
/// As many objects, most of them bricks of one volume.
const ONE_VOLUME: Shape = Shape::one_volume(10_000, 100);

fn intent() -> Intent {
    Intent { allow: Allow::all(), ..Intent::default() }
}

/// The spec of a cluster and what its nodes answer.
fn seen(shape: Shape, nodes: Nodes) -> (Spec, Facts) {
    let spec = shape.spec();
    let facts = facts(&spec, nodes);
    let plan = planner::plan(&spec, &facts, &intent());
    match nodes {
        Nodes::Converged => assert!(plan.is_empty() && plan.findings.is_empty(), "{:#?}", plan.steps.first()),
        Nodes::Empty => assert!(plan.steps.len() > shape.objects() && plan.held().count() == 0, "{}", plan.steps.len()),
    }
    (spec, facts)
}

fn plans(c: &mut Criterion) {
    let named = SIZES.map(|shape| (shape.objects().to_string(), shape));
    let odd = [("10000, 500 nodes".to_owned(), MANY_NODES), ("10000, one volume".to_owned(), ONE_VOLUME)];
    for (group, nodes) in [("nothing to do", Nodes::Converged), ("everything to do", Nodes::Empty)] {
        let mut group = c.benchmark_group(group);
        group.sample_size(10);
        for (name, shape) in named.iter().chain(&odd) {
            let (spec, facts) = seen(*shape, nodes);
            group.throughput(Throughput::Elements(shape.objects() as u64));
            group.bench_function(BenchmarkId::from_parameter(name), |b| {
                b.iter(|| planner::draft(black_box(&spec), black_box(&facts), &intent()));
            });
        }
        group.finish();
    }
}

fn questions(c: &mut Criterion) {
    let mut group = c.benchmark_group("what to ask first");
    group.sample_size(10);
    for shape in SIZES {
        let spec = shape.spec();
        group.bench_function(BenchmarkId::from_parameter(shape.objects()), |b| {
            b.iter(|| planner::draft(black_box(&spec), &Facts::default(), &intent()));
        });
    }
    group.finish();
}

fn statuses(c: &mut Criterion) {
    let mut group = c.benchmark_group("status");
    group.sample_size(10);
    for shape in SIZES {
        let (spec, facts) = seen(shape, Nodes::Converged);
        group.bench_function(BenchmarkId::from_parameter(shape.objects()), |b| {
            b.iter(|| status(&kinds::Cx::new(black_box(&spec), black_box(&facts), &Intent::default())));
        });
    }
    group.finish();
}

fn files(c: &mut Criterion) {
    let mut group = c.benchmark_group("the file");
    group.sample_size(10);
    for shape in SIZES {
        let text = shape.yaml();
        let bytes = text.len() as u64;
        group.throughput(Throughput::Bytes(bytes));
        group.bench_function(BenchmarkId::new("load", shape.objects()), |b| {
            b.iter(|| spec::from_bytes("bench.yaml", black_box(&text).clone().into_bytes()));
        });
        let spec = shape.spec();
        group.bench_function(BenchmarkId::new("check", shape.objects()), |b| b.iter(|| check_all(black_box(&spec))));
    }
    group.finish();
}

criterion_group!(benches, plans, questions, statuses, files);
criterion_main!(benches);
