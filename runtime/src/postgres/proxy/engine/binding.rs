//! The values of a Bind.

use crate::{observe::recording::Parameter, postgres::proxy::protocol::Body};

/// The most of a parameter's value that is recorded, in bytes.
const VALUE: usize = 4096;

/// Reads them, with the types that the Parse gave.
pub(super) fn parameters(mut body: Body<'_>, types: &[u8]) -> Option<Vec<Parameter>> {
    let formats: Vec<i16> = (0..body.i16()?).map_while(|_| body.i16()).collect();
    let mut types = Body(types);
    let known = types.i16().unwrap_or(0);
    let mut types = (0..known).map_while(|_| types.u32());
    let count = body.i16()?;
    let mut found = Vec::with_capacity(usize::try_from(count).ok()?);
    for index in 0..usize::try_from(count).ok()? {
        let value = body.value()?;
        found.push(Parameter {
            type_id: types.next().unwrap_or_default(),
            is_binary: formats.get(index).or(formats.first()) == Some(&1),
            value: value.map(|value| value[..value.len().min(VALUE)].to_vec()),
            length: value.map_or(0, <[u8]>::len),
        });
    }
    Some(found)
}
