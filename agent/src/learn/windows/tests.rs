use std::sync::Mutex;

use fieldward_shared::privacy::keystream::secret;

use super::*;
use crate::learn::labels::Labels;

fn minute(number: u64) -> Minute {
    Minute { number, values: (0..WIDTH).map(|at| number as f32 + at as f32 * 1e-3).collect() }
}

fn seal() -> Arc<Seal> {
    Arc::new(Seal::of(&secret().unwrap()).unwrap())
}

fn filled(folder: &Path, seal: &Arc<Seal>, numbers: std::ops::Range<u64>) -> Windows {
    let mut windows = Windows::open(folder, seal.clone(), Bounds::default()).unwrap();
    numbers.for_each(|number| windows.put(&minute(number)));
    windows
}

fn all(windows: &Windows) -> Vec<u64> {
    let mut numbers = [windows.numbers(false), windows.numbers(true)].concat();
    numbers.sort_unstable();
    numbers
}

fn at(number: u64) -> Timestamp {
    Timestamp::from_micros(number * 60_000_000)
}

#[test]
fn windows_come_back_sealed_and_in_order() {
    let (folder, seal) = (tempfile::tempdir().unwrap(), seal());
    let mut windows = filled(folder.path(), &seal, 100..250);
    windows.put(&minute(120));
    assert_eq!(windows.counts(), Counts { kept: 150, ..Counts::default() });
    drop(windows);
    let mut again = Windows::open(folder.path(), seal.clone(), Bounds::default()).unwrap();
    assert_eq!(all(&again), (100..250).collect::<Vec<_>>());
    let read = again.read(&[101, 179, 180, 249, 999]);
    assert_eq!(read, [101, 179, 180, 249].map(minute));
    // What is on disk tells nothing: no value of a window stands in it.
    let bytes: Vec<u8> = fs::read_dir(folder.path())
        .unwrap()
        .flat_map(|file| fs::read(file.unwrap().path()).unwrap())
        .collect();
    let value = minute(101).values[7].to_le_bytes();
    assert!(!bytes.windows(4).any(|four| four == value));
    let other = Windows::open(folder.path(), self::seal(), Bounds::default()).unwrap();
    assert_eq!((other.counts().kept, other.counts().damaged), (0, 150), "another key opens nothing");
}

#[test]
fn damage_is_put_aside_and_stops_nothing() {
    let (folder, seal) = (tempfile::tempdir().unwrap(), seal());
    drop(filled(folder.path(), &seal, 0..180));
    let file = |hour: u64| folder.path().join(format!("{hour:012}.windows"));
    let mut bytes = fs::read(file(0)).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(file(0), &bytes).unwrap();
    let bytes = fs::read(file(1)).unwrap();
    fs::write(file(1), &bytes[..bytes.len() - 5]).unwrap();
    fs::write(file(2), b"something else").unwrap();
    fs::write(folder.path().join("notes.txt"), b"not ours").unwrap();
    let mut windows = Windows::open(folder.path(), seal.clone(), Bounds::default()).unwrap();
    assert_eq!((windows.counts().kept, windows.counts().damaged), (118, 3));
    assert!(folder.path().join("damaged").exists() && folder.path().join("notes.txt").exists());
    windows.put(&minute(119));
    assert_eq!(windows.read(&[119]), [minute(119)]);
    drop(windows);
    let again = Windows::open(folder.path(), seal, Bounds::default()).unwrap();
    assert_eq!((again.counts().kept, again.counts().damaged), (119, 0), "said once");
}

#[test]
fn the_oldest_hours_make_room() {
    let (folder, seal) = (tempfile::tempdir().unwrap(), seal());
    let bounds = Bounds { minutes: 130, ..Bounds::default() };
    let mut windows = Windows::open(folder.path(), seal.clone(), bounds).unwrap();
    (0..300).for_each(|number| windows.put(&minute(number)));
    assert_eq!(all(&windows), (180..300).collect::<Vec<_>>());
    assert_eq!(windows.counts().aged, 180);
    let bytes = 61 * hour::RECORD as u64;
    let small = Windows::open(folder.path(), seal, Bounds { bytes, ..bounds }).unwrap();
    assert_eq!(all(&small), (240..300).collect::<Vec<_>>());
    let on_disk: u64 =
        fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().metadata().unwrap().len()).sum();
    assert!(on_disk <= bytes);
}

#[test]
fn what_alerts_touched_is_forgotten_and_not_kept_later() {
    let (folder, seal) = (tempfile::tempdir().unwrap(), seal());
    let mut windows = filled(folder.path(), &seal, 50..70);
    windows.forget(at(58), at(75));
    assert_eq!(all(&windows), (50..57).collect::<Vec<_>>());
    (70..80).for_each(|number| windows.put(&minute(number)));
    assert_eq!(all(&windows), [50, 51, 52, 53, 54, 55, 56, 77, 78, 79]);
    assert_eq!(windows.counts().touched, 13 + 7);
    assert_eq!(windows.read(&[56, 77]), [minute(56), minute(77)]);
    windows.forget(at(0), at(60));
    drop(windows);
    let again = Windows::open(folder.path(), seal, Bounds::default()).unwrap();
    assert_eq!(all(&again), [77, 78, 79], "it is gone from the disk");
}

#[test]
fn of_each_ten_minutes_two_neighbours_are_held_back() {
    for ten in 0..2000_u64 {
        let held: Vec<u64> = (ten * 10..ten * 10 + 10).filter(|number| is_held(*number)).collect();
        assert_eq!((held.len(), held[0] % 2, held[1] - held[0]), (2, 0, 1));
    }
    for minute in 0..60 {
        let days = (0..24 * 14).filter(|hour| is_held(hour * 60 + minute)).count();
        assert!((30..110).contains(&days), "minute {minute} of the hour is held back {days} times of 336");
    }
}

#[test]
fn a_disk_that_takes_nothing_is_counted() {
    let (folder, seal) = (tempfile::tempdir().unwrap(), seal());
    let mut windows = filled(folder.path(), &seal, 0..3);
    fs::remove_dir_all(folder.path()).unwrap();
    (3..65).for_each(|number| windows.put(&minute(number)));
    assert_eq!((windows.counts().kept, windows.counts().lost), (3, 62));
    assert!(windows.read(&[1]).is_empty());
    windows.put(&Minute { number: 70, values: vec![f32::NAN; WIDTH].into() });
    assert_eq!(windows.counts().lost, 63);
}

#[test]
fn the_tap_makes_minutes_of_seconds() {
    let (folder, seal) = (tempfile::tempdir().unwrap(), seal());
    let windows = Windows::open(folder.path(), seal.clone(), Bounds::default()).unwrap();
    let windows = Arc::new(Mutex::new(windows));
    let labels = Labels::open(&folder.path().join("labels"), seal);
    let (mut tap, thread) = writer(windows.clone(), Arc::new(Mutex::new(labels))).unwrap();
    let mut window = crate::window::Window::default();
    // Begins within minute 100; of minute 103 a part is missing; an alert touches 105.
    for second in (100 * 60 + 7..103 * 60 + 20).chain(103 * 60 + 40..108 * 60 + 30) {
        window.pass(Timestamp::from_micros(second * 1_000_000));
        tap.second(second - 1, &window);
        if second == 106 * 60 + 30 {
            tap.touched(at(106), at(106));
        }
    }
    assert_eq!(tap.dropped, 0);
    drop(tap);
    thread.join().unwrap();
    let windows = windows.lock().unwrap();
    assert_eq!(all(&windows), [101, 102, 104]);
    assert_eq!(windows.counts().touched, 3);
}
