//! Every shader parses, validates and keeps within what WebGPU promises, without a GPU.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    reason = "tests state behaviour by name and stop on the first surprise"
)]

use moescope_shaders::kernel::{Binding, KERNELS, Kernel};
use naga::valid::{Capabilities, ModuleInfo, ValidationFlags, Validator};
use naga::{AddressSpace, Module, StorageAccess};

fn parse(kernel: &Kernel) -> (Module, ModuleInfo) {
    let module = naga::front::wgsl::parse_str(kernel.source)
        .unwrap_or_else(|error| panic!("{}: {}", kernel.name, error.emit_to_string(kernel.source)));
    // `unpack2x16float` is part of WGSL itself; naga counts it as a capability because WebGL lacks it.
    let capabilities = Capabilities::SHADER_FLOAT16_IN_FLOAT32;
    let mut validator = Validator::new(ValidationFlags::all(), capabilities);
    let info = validator
        .validate(&module)
        .unwrap_or_else(|error| panic!("{}: {}", kernel.name, error.emit_to_string(kernel.source)));
    (module, info)
}

#[test]
fn every_kernel_parses_and_validates() {
    for kernel in KERNELS {
        parse(kernel);
    }
}

#[test]
fn bindings_are_those_of_the_table() {
    for kernel in KERNELS {
        let (module, _) = parse(kernel);
        let mut found: Vec<(u32, Option<Binding>)> = module
            .global_variables
            .iter()
            .filter_map(|(_, variable)| {
                let kind = match variable.space {
                    AddressSpace::Storage { access } if access.contains(StorageAccess::STORE) => {
                        Some(Binding::Write)
                    }
                    AddressSpace::Storage { .. } => Some(Binding::Read),
                    _ => None,
                };
                variable.binding.map(|place| (place.binding, kind))
            })
            .collect();
        found.sort_by_key(|(binding, _)| *binding);
        let mut expected = vec![(0, Some(Binding::Read)), (1, Some(Binding::Read))];
        expected.extend((2..).zip(kernel.bindings.iter().copied().map(Some)));
        assert_eq!(found, expected, "{}", kernel.name);
        let constants = module
            .overrides
            .iter()
            .filter_map(|(_, o)| o.name.as_deref());
        assert_eq!(
            constants.collect::<Vec<_>>(),
            kernel.constants,
            "{}",
            kernel.name
        );
    }
}

#[test]
fn limits_are_those_that_webgpu_promises() {
    for kernel in KERNELS {
        let (module, _) = parse(kernel);
        let entry = &module.entry_points[0];
        assert_eq!(entry.name, "main", "{}", kernel.name);
        let invocations: u32 = entry.workgroup_size.iter().product();
        assert!(
            invocations <= 256,
            "{}: {invocations} invocations",
            kernel.name
        );
        let storage = 2 + kernel.bindings.len();
        assert!(storage <= 8, "{}: {storage} storage buffers", kernel.name);
        let mut layouter = naga::proc::Layouter::default();
        layouter.update(module.to_ctx()).unwrap();
        let shared: u32 = module
            .global_variables
            .iter()
            .filter(|(_, variable)| variable.space == AddressSpace::WorkGroup)
            .map(|(_, variable)| layouter[variable.ty].size.next_multiple_of(16))
            .sum();
        assert!(
            shared <= 16 * 1024,
            "{}: {shared} bytes of workgroup memory",
            kernel.name
        );
    }
}

#[test]
fn every_file_is_short_and_opens_with_what_it_is() {
    // Tests run in the folder of their crate.
    let mut folders = vec![std::path::PathBuf::from("wgsl")];
    let mut n_files = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            n_files += 1;
            let text = std::fs::read_to_string(&path).unwrap();
            let n_lines = text.lines().count();
            assert!(n_lines < 150, "{} has {n_lines} lines", path.display());
            assert!(
                text.starts_with("// "),
                "{} opens with no header",
                path.display()
            );
            assert!(
                !text.contains("\n#"),
                "{} has a preprocessor",
                path.display()
            );
        }
    }
    assert!(n_files >= KERNELS.len());
}
