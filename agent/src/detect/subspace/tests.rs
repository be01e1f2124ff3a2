use fastrand::Rng;

use super::*;

/// Minutes along three directions, with a little noise.
fn minutes(count: usize) -> Vec<f32> {
    let mut chance = Rng::with_seed(2);
    let mut minutes = Vec::with_capacity(count * WIDTH);
    for _ in 0..count {
        let along = [2.0, 2.5, 2.5].map(|scale| scale * (chance.f32() - 0.5));
        for at in 0..WIDTH {
            let shape = [1.0, (at as f32 * 0.1).sin(), (at as f32 * 0.37).cos()];
            let value: f32 = shape.iter().zip(along).map(|(shape, along)| shape * along).sum();
            minutes.push(value + 0.02 * (chance.f32() - 0.5));
        }
    }
    minutes
}

#[test]
fn off_the_plane_and_far_on_it_are_two_things() {
    let minutes = minutes(400);
    let plane = Plane::through(minutes.chunks_exact(WIDTH));
    assert_eq!(plane.variances.len(), 3, "three directions hold the variance");
    let mut distance = Distance::new(plane);
    let [off, far] = distance.measure(&minutes[..WIDTH]);
    let shifted: Vec<f32> = minutes[..WIDTH].iter().map(|value| value + 5.0).collect();
    let [shifted_off, shifted_far] = distance.measure(&shifted);
    assert!(shifted_far > far + 20.0 && shifted_off < 20.0 * off.max(1.0), "{shifted_off}, {shifted_far}");
    let mut odd = minutes[..WIDTH].to_vec();
    odd[100] += 3.0;
    let [odd_off, odd_far] = distance.measure(&odd);
    assert!(odd_off > off + 8.0 && odd_far < far + 2.0, "{odd_off}, {odd_far}");
    let mut expected = vec![0.0; WIDTH];
    distance.plane.limits = [1.0, 100.0];
    distance.expected(&mut expected);
    assert!((expected[100] - minutes[100]).abs() < 0.2, "the plane says what it should have been");
}
